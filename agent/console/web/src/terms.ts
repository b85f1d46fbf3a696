// Words for what the server names by a key: steps, causes, loudspeakers, cases, in English and Chinese.

export const weekdays: Record<string, [string, string]> = {
  mon: ["Mon", "周一"],
  tue: ["Tue", "周二"],
  wed: ["Wed", "周三"],
  thu: ["Thu", "周四"],
  fri: ["Fri", "周五"],
  sat: ["Sat", "周六"],
  sun: ["Sun", "周日"],
};

export const steps: Record<string, [string, string]> = {
  suspected: ["Seen", "发现"],
  confirmed: ["Confirmed", "确认"],
  warned: ["Warning sent", "发出警告"],
  observing: ["Watching", "观察"],
  persisted: ["Went on", "未改正"],
  complied: ["Complied", "已改正"],
  escalated: ["Escalated", "上报"],
  lost: ["Out of sight", "失去目标"],
  over: ["Over", "已过去"],
  closed: ["Closed", "结束"],
  ended: ["At the end", "结束时"],
  after_warning: ["After the warning", "警告之后"],
};

export const causes: Record<string, [string, string]> = {
  condition_held: ["the condition began to hold", "条件开始成立"],
  held_long_enough: ["it held for long enough", "持续足够长时间"],
  not_confirmed: ["it ceased before it was confirmed", "确认前已消失"],
  warning_sent: ["sent to the loudspeaker", "已发送到扬声器"],
  playback_proven: ["the loudspeaker played it to the end", "扬声器已完整播放"],
  covered_by_recent_warning: ["an earlier warning was heard here a moment ago", "刚播放过的警告同样适用"],
  warning_not_delivered: ["no loudspeaker played the warning", "没有扬声器播放警告"],
  quiet_hours: ["quiet hours: nothing is said aloud", "静音时段，不播放"],
  no_warning_configured: ["no warning or no loudspeaker is set up, so nothing is said", "未配置警告或扬声器，不播放"],
  still_violating: ["it still went on", "违规仍在继续"],
  seen_complying: ["seen to comply", "看到已改正"],
  no_longer_seen: ["gone, and the place is in clear view", "已离开，现场清晰可见"],
  no_longer_judged: ["nothing more is to be told: it was a moment's matter, or the hours ended", "事情已过去，或规则的时段已结束"],
  told_to_escalate: ["somebody wanted people to be told at once", "人工要求立即通知人员"],
  warnings_used_up: ["all warnings were given; people are told", "警告已用尽，通知人员"],
  out_of_sight: ["nothing was seen of the place for too long", "过久看不到现场"],
  stream_interrupted: ["the stream was interrupted", "视频流中断"],
  settled: ["the time for the last evidence is over", "最后取证时间已过"],
};

export const failures: Record<string, [string, string]> = {
  unreachable: ["not reached", "无法连接"],
  refused: ["refused", "设备拒绝"],
  busy: ["busy", "设备正忙"],
  timed_out: ["did not end in time", "超时"],
  speech: ["no speech could be made", "无法合成语音"],
  sound_file: ["the sound file could not be read", "无法读取音频文件"],
  device_lost: ["no such device", "设备不存在或已断开"],
  broken: ["broke off", "播放中断"],
  stopped: ["the agent stopped", "程序已停止"],
  queue_full: ["too many announcements waited", "等待的播报过多"],
  misconfigured: ["set up wrongly", "配置有误"],
  out_of_range: ["too far away to hear it", "距离太远，无法听到"],
  cut: ["cut for something more urgent", "被更紧急的播报打断"],
};

export const proofs: Record<string, [string, string]> = {
  written: ["written to a file", "已写入文件"],
  sent: ["sent, nobody answered for it", "已发送，对端未答复"],
  rendered: ["played by the sound card", "声卡已播放"],
  acknowledged: ["the device says it played it", "设备确认已播放"],
  heard: ["a microphone heard it", "麦克风已听到"],
};

export const stages: Record<string, [string, string]> = {
  sent: ["Sent", "已发送"],
  received: ["Received", "已接收"],
  assigned: ["Assigned", "已派单"],
  called_back: ["Called back", "已回电"],
  on_site: ["On site", "已到场"],
  settled: ["Settled", "已办结"],
  rejected: ["Rejected", "已驳回"],
  limit_passed: ["Reminded", "已催办"],
  handed_on: ["Handed on", "已转派"],
  nobody_left: ["Nobody answers", "无人响应"],
};
