// Whole sentences that the agent says in English, as the Chinese page tells them: what is wrong with evidence, what lacks of it,
// what is doubted of a site file, and how far it is proven that something was heard. A sentence that is not here is shown as it is.

/** `$1` is what the first group held, told in Chinese where that is a sentence, too. */
const sentences: [RegExp, string][] = [
  // Files that an incident lacks.
  [/^no frame was at hand in time$/, "当时没有可用的画面"],
  [/^the picture of the best look was no longer at hand$/, "最清晰的画面已不可用"],
  [/^the disk did not take it in time$/, "磁盘未能及时写入"],
  [/^the stream keeps no encoded video$/, "该视频流不保留编码视频"],
  [/^the video before was not kept; the clip begins (.+) s late$/, "之前的视频未保留，片段晚 $1 秒开始"],
  [/^no video was kept between (\S+) and (\S+); .*$/, "$1 至 $2 之间没有保留录像；视频流中断，或缓冲过短"],
  [/^the agent was stopped before it was kept$/, "程序在保存之前已停止"],
  [/^no frame of this moment was kept$/, "未保存该时刻的画面"],
  [/^no clip of this moment was kept$/, "未保存该时刻的录像"],
  [/^the stream ended before the clip's time was over$/, "视频流在片段结束之前已终止"],
  [/^the stream was interrupted$/, "视频流中断"],
  [/^the picture's format changed$/, "画面格式发生变化"],
  [/^the clip reached its limit of bytes$/, "片段达到大小上限"],
  [/^the agent stopped, or the camera stayed away$/, "程序已停止，或摄像机一直未恢复"],
  [/^there is a gap in the footage$/, "录像有一处间断"],
  [/^there are (\d+) gaps in the footage$/, "录像有 $1 处间断"],
  [/^the incident went on when this was sealed$/, "封存时事件仍在继续"],
  [/^it was kept and is gone$/, "曾经保存，现已丢失"],
  [/^the end of the incident$/, "事件的结尾"],
  [/^part of (.+)$/, "$1 的一部分"],

  // What became of something that was said.
  [/^(\S+) s, written$/, "$1 秒，已写入文件"],
  [/^(\S+) s, sent$/, "$1 秒，已发送，对端未答复"],
  [/^(\S+) s, rendered$/, "$1 秒，声卡已播放"],
  [/^(\S+) s, acknowledged$/, "$1 秒，设备确认已播放"],

  // What a verification says.
  [/^(\S+): intact, (\d+) files, (\d+) bytes$/, "$1：完好，$2 个文件，$3 字节"],
  [/^(\S+): NOT INTACT, (\d+) files, (\d+) bytes$/, "$1：已被改动，$2 个文件，$3 字节"],
  [/^manifest sha256 (\w+)$/, "清单 SHA-256：$1"],
  [/^unsigned: sealed by a replay, or before the device had a key; .*$/, "未签名：由回放封存，或当时设备尚无密钥；能写入此处的人可以重新封存"],
  [/^seal (\d+) of site (.+), in state (\w+), while the incident went on$/, "站点 $2 的第 $1 号封存，状态 $3，当时事件仍在继续"],
  [/^seal (\d+) of site (.+), in state (.+)$/, "站点 $2 的第 $1 号封存，状态 $3"],
  [/^key (\S+), its own word: .*$/, "密钥 $1，仅为其自称：请与设备上 `forewarn key show` 的输出核对"],
  [/^key (\S+), somebody whom you trust vouches for it$/, "密钥 $1，由您信任的一方担保"],
  [/^key (\S+), nobody whom you trust vouches for it$/, "密钥 $1，没有您信任的一方担保"],
  [/^sealed at (\S+) by the box's clock: (.+)$/, "按设备时钟封存于 $1：$2"],
  [/^nothing is said of it$/, "未说明时钟状态"],
  [/^(.+); the agent knows of no time when it was set$/, "$1；没有校时记录"],
  [/^(.+); last set (?:back|forward) by (\S+) s, at (.+)$/, "$1；上次校时于 $3，调整 $2 秒"],
  [/^synchronised$/, "已同步"],
  [/^NOT synchronised, .*$/, "未同步，时间仅为设备自称"],
  [/^whether synchronised nobody could tell$/, "是否同步不明"],
  [/^content credentials hold and are signed by the key of the seal: (.+)$/, "内容凭证有效，并由封存密钥签名：$1"],
  [/^signatures of the camera itself are in none of: (.+)$/, "以下文件均无摄像机自身的签名：$1"],
  [/^seal (\d+) was there at (\S+), by a time stamp of (.+), [^,]*$/, "由 $3 的时间戳证明第 $1 号封存在 $2 已存在"],
  [/^stated as missing when it was sealed: (.+?): (.+)$/, "封存时已注明缺少 $1：$2"],
  [/^(.+): gone: the manifest says who signed it, and no signature is there$/, "$1：签名已丢失，而清单写明了签名者"],
  [/^(\S+): gone$/, "$1：已丢失"],
  [/^(\S+): changed: (\d+) bytes with sha256 (\w+) were sealed, (\d+) bytes with sha256 (\w+) are there$/, "$1：内容已改动：封存时 $2 字节（SHA-256 $3），现为 $4 字节（SHA-256 $5）"],
  [/^(\S+): not in the manifest$/, "$1：不在清单中"],
  [/^(\S+): no plain file of this folder$/, "$1：不是此文件夹中的普通文件"],
  [/^(\S+): no signature of this \S+ by the key that it names, (\S+): .*$/, "$1：不是清单所列密钥 $2 的签名，其一已被改动或由他人签名"],
  [/^(\S+): its content credentials do not hold: (.+)$/, "$1：内容凭证无效：$2"],
  [/^(\S+): no time stamp of that seal: (.+)$/, "$1：不是该封存的时间戳：$2"],

  // What is doubted of a site file.
  [/^(\d+) of its points lie beyond the picture's border and are cut off there$/, "有 $1 个点超出画面边界，将在边界处截断"],
  [/^its edges behind corner (\d+) and corner (\d+) cross, so a part of it counts as outside$/, "第 $1 个与第 $2 个角之后的边相交，部分区域被视为在外"],
  [/^its edges behind corner (\d+) and corner (\d+) cross, so a part of it would not be excluded$/, "第 $1 个与第 $2 个角之后的边相交，部分区域不会被排除"],
  [/^the exclusions cover the whole picture, so nothing is ever detected$/, "排除区域覆盖整个画面，不会检测到任何目标"],
  [/^zone `(.+)` lies wholly where nothing is detected of what `(.+)` is about, .*$/, "区域 `$1` 完全位于排除区域内，其中不会检测到 `$2` 所针对的目标"],
  [/^its points are taken for pixels, .*$/, "其坐标按像素计，且都在左上角 100 像素以内；是否误写为百分比？"],
  [/^`(.+)` is not set, so the direction is that of the violation's file$/, "未设置 `$1`，方向以违规文件为准"],
  [/^`(.+)` stands there twice, and is its own fall-back$/, "`$1` 出现两次，成为自己的后备"],
  [/^from (\S+) to (\S+) is a whole day$/, "从 $1 到 $2 是一整天"],
  [/^no rule of this camera is about things that .*$/, "此摄像机没有相关规则，因此不起作用"],
  [/^camera (\S+): (.+)$/, "摄像机 $1：$2"],
  [/^camera (\S+), (\S+) in (\S+): (.+)$/, "摄像机 $1，区域 $3 中的 $2：$4"],
  [/^camera (\S+), zone (\S+): (.+)$/, "摄像机 $1，区域 $2：$3"],
  [/^camera (\S+), exclusion (\S+): (.+)$/, "摄像机 $1，排除区域 $2：$3"],
  [/^camera (\S+), (\S+): (.+)$/, "摄像机 $1，$2：$3"],
  [/^speaker (\S+), (\S+): (.+)$/, "扬声器 $1，$2：$3"],
  [/^no rule is bound to it, so nothing it shows will ever be told$/, "没有规则，看到的任何情况都不会上报"],
  [/^add a `\[\[camera\.rule\]\]`, or leave the camera out$/, "请添加规则，或删除该摄像机"],
  [/^(\S+) has a warning and zone `(.+)` has no speaker, so nobody is warned$/, "$1 设有警告，但区域 `$2` 没有扬声器，没有人会被警告"],
  [/^name speakers in `speakers = \[…\]` of the camera or the zone$/, "请为摄像机或区域选择扬声器"],
  [/^no camera keeps footage$/, "没有摄像机保存录像"],
  [/^write coordinates from 0 to 1$/, "请使用 0 到 1 的坐标"],
  [/^exchange corners (\d+) and (\d+)$/, "请交换第 $1 个与第 $2 个角"],
  [/^draw exclusions that leave something to be watched, name `classes`, or take the camera out$/, "请留出需要检测的部分、注明 `classes`，或删除该摄像机"],
  [/^draw the exclusion smaller, name other `classes` in it, or take the rule out$/, "请缩小排除区域、在其中注明其他 `classes`，或删除该规则"],
  [/^write the corners in order around the area$/, "请按顺序沿区域边界填写各角"],
  [/^write parts of the picture from 0 to 1; .*$/, "请使用 0 到 1 的画面比例；如确为像素请写 `unit = \"pixel\"`"],
  [/^add `(.+)`: 0 is up in the picture, 90 right, 180 down, 270 left$/, "请加上 `$1`：0 为画面向上，90 向右，180 向下，270 向左"],
  [/^name each loudspeaker once$/, "每个扬声器只写一次"],
  [/^write `(.+)` where that is meant$/, "如确实如此，请写 `$1`"],
  [/^add such a rule, or take it out$/, "请添加相关规则，或将其删除"],
  [/^fix: (.+)$/, "建议：$1"],
  [/^(\S+\.toml(?::\d+)?(?:: [\w.]+)?): (.+)$/, "$1：$2"],
];

/** A text of whole sentences, a line each, in Chinese as far as they are known. */
export const inChinese = (text: string): string => text.split("\n").map(line).join("\n");

function line(text: string): string {
  const [, space = "", said = ""] = /^(\s*)(.*)$/.exec(text) ?? [];
  for (const [pattern, zh] of sentences) {
    const found = pattern.exec(said);
    if (found) return space + zh.replace(/\$(\d)/g, (_, n: string) => line(found[Number(n)] ?? ""));
  }
  return text;
}
