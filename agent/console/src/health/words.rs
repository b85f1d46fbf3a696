//! What is told of the agent's parts, in both languages.

use std::fmt::Display;

use crate::bilingual::{Bilingual, both};

const fn fixed(en: &'static str, zh: &'static str) -> Bilingual {
    Bilingual::fixed(en, zh)
}

/// The site file of this run cannot be changed.
pub const NO_SITE_FILE: Bilingual = fixed(
    "this run has a site file of its own, which ends with it; it is changed where `forewarn run` watches",
    "本次运行使用临时站点文件，结束后即删除；请在 `forewarn run` 运行时更改",
);

/// No camera is named.
pub const NO_CAMERA: Bilingual = fixed("no camera is named, so nothing is watched", "没有摄像机，无法监测");
/// To do: where there is no camera.
pub const ADD_A_CAMERA: Bilingual = fixed("add one in the console, under *Cameras*", "请在控制台的“摄像机”页面添加");

/// Cameras could not be looked for, or asked.
pub fn not_found(why: impl Display) -> Bilingual {
    Bilingual::quoted(why, "未能查找摄像机")
}

/// There is no such loudspeaker.
pub const NO_SPEAKER: Bilingual = fixed("the site has no such loudspeaker", "站点没有此扬声器");

/// Nothing of that name is ready to be said.
pub const NOT_PREPARED: Bilingual = fixed(
    "nothing of this name is ready to be said; `/api/v1/speakers/prepared` tells what is",
    "没有此名称的预置内容；可用内容见 `/api/v1/speakers/prepared`",
);

/// Nobody may send commands.
pub const NO_COMMANDS: Bilingual = fixed(
    "the site takes no commands: add `[commands]` to its file, as docs/commands.md tells",
    "站点未配置命令：请按 docs/commands.md 在站点文件中添加 `[commands]`",
);

/// Too many commands wait.
pub const COMMANDS_FULL: Bilingual = fixed(
    "too many commands wait, and nobody has looked at this one; send it again in a moment",
    "等待的命令过多，此命令未被处理，请稍候重试",
);

/// A camera gives nothing that could be shown.
pub const NO_PICTURE: Bilingual = fixed("the camera gives no picture now", "摄像机目前没有画面");

/// What was offered is no session.
pub fn no_offer(why: impl Display) -> Bilingual {
    Bilingual::quoted(why, "WebRTC 会话请求（SDP）无效")
}

/// A browser does not take over WebRTC what the camera sends.
pub fn not_taken(sent: &str, takes: &str) -> Bilingual {
    if takes.is_empty() {
        return both!(
            "the camera sends {sent}, and this browser takes no H.264 over WebRTC",
            "摄像机发送 {sent}，而此浏览器的 WebRTC 不支持 H.264"
        );
    }
    both!(
        "the camera sends {sent}, and this browser takes {takes} over WebRTC; nothing is coded again for it",
        "摄像机发送 {sent}，而此浏览器的 WebRTC 仅支持 {takes}；系统不会为此重新编码"
    )
}

/// WebRTC shows pictures as they are coded.
pub const RESHAPED: Bilingual = fixed(
    "the camera's pictures are turned, or their pixels are not square, of which WebRTC does not tell the browser",
    "摄像机画面经过旋转，或像素不是正方形，WebRTC 无法将此告知浏览器",
);

/// WebRTC shows pictures in the order in which they come.
pub const REORDERED: Bilingual = fixed(
    "the camera sends pictures in another order than they are shown (B pictures), which WebRTC does not take; they can be \
     switched off in its settings",
    "摄像机发送的画面顺序与显示顺序不同（B 帧），WebRTC 不支持；可在摄像机设置中关闭 B 帧",
);

/// It was not heard.
pub fn not_heard(why: impl Display) -> Bilingual {
    Bilingual::quoted(format_args!("it was not heard: {why}"), "未能播放")
}

/// A step of a case could not be taken, for one of the few reasons that there are.
pub fn no_step(why: impl Display) -> Bilingual {
    let zh = "无法登记此步骤：事件尚未升级、处置已结束，或处置已进行到此步骤或之后；请在控制台查看当前进度";
    Bilingual { en: why.to_string().into(), zh: zh.into() }
}

/// Nothing is to be done.
pub const NOTHING: Bilingual = Bilingual::none();

/// To do: of a camera.
pub const LOOK_AT_CAMERA: Bilingual = fixed(
    "look at the camera, its cable and its address; `forewarn check --probe` tells more",
    "请检查摄像机、线缆和地址；`forewarn check --probe` 可给出详情",
);
/// To do: of a camera that is a file.
pub const NAME_A_CAMERA: Bilingual =
    fixed("name a camera; `forewarn replay` plays files", "请改为真实摄像机；回放文件请用 `forewarn replay`");
/// To do: of a decoder.
pub const ANOTHER_DECODER: Bilingual = fixed(
    "set another `decoder` for the camera, or another codec in it",
    "请为摄像机设置其他 `decoder`，或更换其视频编码",
);
/// To do: of a decoder in whose place another one works.
pub const UNTIL_RESTART: Bilingual =
    fixed("another decoder is used until the agent starts anew", "在程序重启之前使用另一个解码器");
/// To do: of a loudspeaker.
pub const LOOK_AT_SPEAKER: Bilingual = fixed(
    "look at the loudspeaker and its settings; `forewarn say` plays a test",
    "请检查扬声器及其设置；`forewarn say` 会播放测试音",
);
/// To do: of the program that speaks.
pub const LOOK_AT_SPEECH: Bilingual =
    fixed("look at the `speech` program of the loudspeakers", "请检查扬声器的 `speech` 语音合成程序");
/// To do: of a sensor.
pub const LOOK_AT_SENSOR: Bilingual = fixed("look at the sensor, its line and its address", "请检查传感器、线路和地址");
/// To do: of the outbox.
pub const LOOK_AT_UPSTREAMS: Bilingual = fixed(
    "look at the upstreams; reports wait until they are acknowledged",
    "请检查上级平台；报告会一直保留到对方确认",
);
/// To do: of a link that is thin.
pub const RAISE_THIN: Bilingual = fixed(
    "nothing is lost, all of it stays on this box; raise `thin` of the upstream if the link bears it",
    "不会丢失，文件保存在本机；链路允许时请调高该上游的 `thin`",
);
/// To do: of an upstream.
pub const REPORTS_WAIT: Bilingual =
    fixed("reports wait on the disk and are sent when it takes them", "报告保存在磁盘上，对方恢复后自动发送");
/// To do: of a part that stands.
pub const RESTART: Bilingual = fixed(
    "look at the disk; if that is well, restart the agent and report this",
    "请检查磁盘；若磁盘正常，请重启程序并反馈此问题",
);
/// To do: of a model.
pub const LOOK_AT_MODEL: Bilingual =
    fixed("see docs/models.md; SIGHUP exchanges the model", "参见 docs/models.md；发送 SIGHUP 可更换模型");
/// To do: of a model that runs elsewhere than it should.
pub const LOOK_AT_PROVIDER: Bilingual = fixed(
    "fix that and start the agent again; where a provider is at fault, ask for one that is there by `[model] provider` \
     (`forewarn check --probe` tries it)",
    "请排除后重启程序；若推理后端不可用，请用 `[model] provider` 指定可用的后端（`forewarn check --probe` 可试）",
);
/// To do: of the budget.
pub const RAISE_BUDGET: Bilingual = fixed(
    "raise `[inference] budget`, lower `analysis_fps`, or use fewer cameras",
    "请提高 `[inference] budget`、降低 `analysis_fps`，或减少摄像机",
);
/// To do: of a box that is warm, or whose battery is low.
pub const COOL_OR_CHARGE: Bilingual = fixed(
    "nothing is lost, and it looks as often as before when that is over; cool the box, or land",
    "不会丢失，恢复后自动回到原有频率；请给设备降温，或降落更换电池",
);
/// To do: of a disk that stalls.
pub const LOOK_AT_DISK: Bilingual =
    fixed("look at the disk, its cable and the kernel's log", "请检查磁盘、线缆和内核日志");
/// To do: of a disk that fails.
pub const MOUNT_IT: Bilingual = fixed("mount it, or fix its file system", "请挂载磁盘，或修复其文件系统");
/// To do: of footage that is not kept.
pub const LOOK_AT_FOOTAGE: Bilingual = fixed(
    "look at the disk; make room, or lower `[footage] max_gib`. Evidence goes before footage",
    "请检查磁盘；腾出空间，或调低 `[footage] max_gib`。证据优先于全时录像",
);
/// To do: of a disk that is full.
pub const MAKE_ROOM: Bilingual =
    fixed("make room, or lower `[storage] max_gib`", "请腾出空间，或调低 `[storage] max_gib`");

/// A part that keeps something, what it is called where its troubles are written up, and what to do about them.
pub const KEEPING: [(&str, &str, Bilingual); 3] = [
    ("reports", "outbox", fixed("look at the disk; nothing is lost meanwhile", "请检查磁盘；期间不会丢失任何内容")),
    (
        "evidence",
        "evidence",
        fixed(
            "look at the disk; what could not be kept is made up for when it is back",
            "请检查磁盘；恢复后会补存未能保存的内容",
        ),
    ),
    (
        "clock",
        "clock",
        fixed(
            "look at the time service of the box (chrony, NTP), and at the disk",
            "请检查设备的时间服务（chrony、NTP）和磁盘",
        ),
    ),
];

/// What to do where something else cannot be kept or written.
pub fn to_do_of(name: &str) -> Bilingual {
    match name {
        // Their troubles say it.
        "zones" | "file descriptors" | "telemetry" => NOTHING,
        "time stamps" => fixed(
            "look at the service of `[evidence] time_stamp_url` and at the way there",
            "请检查 `[evidence] time_stamp_url` 的服务及网络",
        ),
        "suppressions" => fixed(
            "look at the file, or write it anew by `forewarn suppress`",
            "请检查该文件，或用 `forewarn suppress` 重新写入",
        ),
        "certificate" => fixed(
            "the former certificate is shown until the agent stops, and without one that can be read it shows no console \
             afterwards; put certificate and key back, and they are taken up within 5 s",
            "程序停止前仍使用原证书，之后若证书无法读取则无法打开控制台；请恢复证书和密钥，5 秒内自动生效",
        ),
        "console" | "metrics" => fixed(
            "fix that and start the agent again; it watches, warns and reports meanwhile",
            "请排除后重启程序；期间监测、警告和上报照常进行",
        ),
        "log" => {
            fixed("look at what reads the log: a pipe, a terminal or a service", "请检查读取日志的管道、终端或服务")
        }
        _ => fixed(
            "look at the disk and at who owns the files in `[storage] dir`",
            "请检查磁盘以及 `[storage] dir` 中文件的所有者",
        ),
    }
}

/// Its file is over.
pub const PLAYED_TO_END: Bilingual = fixed("its file was played to the end", "文件已播放完毕");
/// It was never there.
pub const NEVER_CONNECTED: Bilingual = fixed("it has never been connected", "从未连接成功");
/// It is as it should be.
pub const WORKS: Bilingual = fixed("it works", "正常");
/// A sensor is.
pub const IS_READ: Bilingual = fixed("it is read", "读数正常");
/// A loudspeaker that had nothing to do.
pub const SILENT_SO_FAR: Bilingual = fixed("nothing was announced yet", "尚未播报");
/// Speech.
pub const IS_SPOKEN: Bilingual = fixed("texts are spoken, as far as any was", "语音合成正常");
/// The clock.
pub const CLOCK_RUNS: Bilingual = fixed("nobody has set it lately", "近期无人调整");
/// What keeps.
pub const IS_KEPT: Bilingual = fixed("what is to be kept is kept", "应保存的内容均已保存");
/// The incident loop.
pub const IS_DECIDED: Bilingual = fixed("incidents are decided", "事件判定正常");
/// The model.
pub const LOOKS: Bilingual = fixed("it looks at frames", "正在分析画面");
/// The budget.
pub const SUFFICES: Bilingual = fixed("it suffices", "算力充足");
/// The budget does not suffice.
pub const IS_SHORT: Bilingual =
    fixed("cameras are looked at less often than they ask for", "算力不足，摄像机的分析频率低于设定");
/// Heat and power.
pub const NO_CARE: Bilingual = fixed("neither heat nor the battery asks for care", "温度和电量正常");
/// The disk.
pub const NOT_ASKED: Bilingual = fixed("not asked yet", "尚未检查");

/// What a part says about its trouble in words of its own.
pub fn trouble(why: impl Display) -> Bilingual {
    Bilingual::quoted(why, "出现故障")
}

/// A camera that gives no picture, or one stream of two.
pub fn away(why: impl Display) -> Bilingual {
    Bilingual::quoted(why, "视频流中断或不完整")
}

/// How many frames a camera gave.
pub fn frames(n: u64) -> Bilingual {
    if n == 1 { fixed("1 frame so far", "已收到 1 帧") } else { both!("{n} frames so far", "已收到 {n} 帧") }
}

/// What is kept of a camera around the clock, and what lacks.
pub fn footage(kept_s: u64, gaps: u32, gap_s: u64) -> Bilingual {
    if gaps == 0 {
        both!("all its video is kept, {kept_s} s so far", "全时录像正常，已录 {kept_s} 秒")
    } else {
        both!(
            "all its video is kept, {kept_s} s so far, with {gaps} gaps of {gap_s} s together",
            "全时录像正常，已录 {kept_s} 秒，有 {gaps} 处缺失，共 {gap_s} 秒"
        )
    }
}

/// Nothing is kept of what comes.
pub fn no_footage(silent_s: u64) -> Bilingual {
    both!("nothing of it was kept for {silent_s} s", "已 {silent_s} 秒没有录下任何画面")
}

/// A decoder gives nothing.
pub fn gives_none(silent_s: u64) -> Bilingual {
    both!("it is given pictures and has given none for {silent_s} s", "收到数据但已 {silent_s} 秒没有输出画面")
}

/// What became of the last announcement of a loudspeaker.
pub fn last_announcement(last: impl Display, is_heard: bool) -> Bilingual {
    let zh = if is_heard { "上一次播报已完成" } else { "上一次播报未成功" };
    Bilingual::quoted(format_args!("the last announcement {last}"), zh)
}

/// Several announcements in a row failed.
pub fn announcements_failed(n: u32, last: impl Display) -> Bilingual {
    both!("the last {n} announcements failed; the latest {last}", "最近 {n} 次播报均失败（{last}）")
}

/// Texts are not spoken.
pub fn speech_fails(last: impl Display) -> Bilingual {
    Bilingual::quoted(format_args!("the latest announcement {last}"), "最近一次播报的语音合成失败")
}

/// Reports that wait, and since when the oldest.
pub fn reports_wait(n: u64, oldest_s: Option<u64>) -> Bilingual {
    let (reports, wait) = if n == 1 { ("report", "waits") } else { ("reports", "wait") };
    match oldest_s {
        None => both!("{n} {reports} {wait}", "{n} 份报告等待发送"),
        Some(s) => both!("{n} {reports} {wait}, the oldest for {s} s", "{n} 份报告等待发送，最早的已等待 {s} 秒"),
    }
}

/// Nothing is sent though something waits.
pub fn none_sent(n: u64, idle_s: u64) -> Bilingual {
    both!(
        "{n} reports wait and none has been on its way for {idle_s} s",
        "{n} 份报告等待发送，已 {idle_s} 秒没有发出任何报告"
    )
}

/// Cameras are looked at less often for heat or power.
pub fn eased(why: impl Display, percent: u32) -> Bilingual {
    both!("{why}: cameras are looked at {percent} % as often", "设备过热或电量不足，分析频率降为 {percent}%（{why}）")
}

/// Pictures that a thin link has no room for.
pub fn pictures_wait(n: u64) -> Bilingual {
    both!(
        "the budget of its link is used up: pictures wait: {n}; words go",
        "链路流量额度已用完：等待发送的图片：{n}；文字照常发送"
    )
}

/// What waits of evidence that is brought over a link that is thin.
pub fn files_wait(n: u64, mib: u64) -> Bilingual {
    both!(
        "the budget of its link is used up: files of evidence wait: {n}, of {mib} MiB; what is JSON goes",
        "链路流量额度已用完：等待上传的证据文件：{n}，共 {mib} MiB；JSON 照常上传"
    )
}

/// What an upstream has.
pub fn acknowledged(n: u64) -> Bilingual {
    if n == 1 {
        fixed("1 report acknowledged", "对方已确认 1 份报告")
    } else {
        both!("{n} reports acknowledged", "对方已确认 {n} 份报告")
    }
}

/// The incident loop stands.
pub fn undecided(stands_s: u64) -> Bilingual {
    both!("nothing was decided for {stands_s} s", "已 {stands_s} 秒没有作出判定")
}

/// The model fails.
pub fn model_fails(frames: u64, why: impl Display) -> Bilingual {
    both!("it failed at the last {frames} frames: {why}", "最近 {frames} 帧分析失败（{why}）")
}

/// The disk stalls.
pub fn no_answer(waited_s: u64) -> Bilingual {
    both!("it has not answered for {waited_s} s", "已 {waited_s} 秒没有响应")
}

/// Room on the disk, where it is scarce.
pub fn mib_free(mib: u64) -> Bilingual {
    both!("{mib} MiB are free", "剩余 {mib} MiB")
}

/// Room on the disk.
pub fn gib_free(gib: f64) -> Bilingual {
    both!("{gib:.1} GiB are free", "剩余 {gib:.1} GiB")
}

/// The name of a part for people: its kind in their language, and what the site calls it.
pub(super) fn part(name: &str) -> Bilingual {
    let (kind, own) = name.split_once(' ').unwrap_or((name, ""));
    let kind = match kind {
        "camera" | "cameras" => "摄像机",
        "console" => "控制台",
        "certificate" => "控制台证书",
        "metrics" => "指标",
        "decoder" => "解码器",
        "footage" => "全时录像",
        "speaker" => "扬声器",
        "speech" => "语音合成",
        "sensor" => "传感器",
        "upstream" => "上级平台",
        "outbox" => "发件箱",
        "evidence" => "证据",
        "clock" => "时钟",
        "decisions" => "事件判定",
        "model" => "模型",
        "budget" => "算力",
        "disk" => "磁盘",
        "log" => "日志",
        "zones" => "区域",
        "suppressions" => "忽略名单",
        "file" => "文件句柄",
        "time" => "时间戳",
        _ => return Bilingual { en: name.to_owned().into(), zh: name.to_owned().into() },
    };
    // The words of a name that is no kind and a name.
    let own = if matches!(name, "file descriptors" | "time stamps") { "" } else { own };
    Bilingual { en: name.to_owned().into(), zh: format!("{kind} {own}").trim_end().to_owned().into() }
}
