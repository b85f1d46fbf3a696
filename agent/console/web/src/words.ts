// Every text of the page, in English and Chinese.
import { createContext } from "preact";
import { type Both, Refused, type Tried } from "./api";
import { useContext } from "preact/hooks";
import { inChinese } from "./sentences";
import { causes, failures, proofs, stages, steps, weekdays } from "./terms";

export type Language = "en" | "zh";

/** Each in English and Chinese; in English also of one alone, where that is said otherwise. */
const words = {
  incidents: ["Incidents", "事件"],
  cameras: ["Cameras", "摄像机"],
  numbers: ["Numbers", "统计"],
  confirmedOnes: ["Incidents", "事件"],
  warningsHeard: ["{} with a warning heard", "其中 {} 起已播放警告"],
  heardOnes: ["Warning heard", "已播放警告"],
  compliedAfter: ["Complied after a warning", "警告后改正"],
  likelyBetween: ["likely between {}", "95% 置信区间 {}"],
  nothingDecided: ["nothing is decided yet", "尚无结果"],
  timeToComply: ["Time to comply", "改正用时"],
  nineOfTen: ["nine of ten within {}", "九成在 {} 内"],
  hoursSaved: ["Hours saved", "节省工时"],
  hoursFormula: ["{} that complied, times the minutes that an officer would have needed", "{} 起警告后改正 × 每起人工处理分钟数"],
  minutesEach: ["minutes each", "分钟/起"],
  byViolation: ["By violation", "按违规类型"],
  byText: ["By text of the warning", "按警告内容"],
  byZone: ["By place", "按区域"],
  byHour: ["By hour of the day", "按时段"],
  othersThen: ["Other incidents", "其他事件"],
  worksBest: ["works best", "效果最好"],
  noNumbers: ["No incident was confirmed in that time.", "该时段没有已确认的事件。"],
  decideAgain: ["Decide again", "重新判定"],
  anotherModel: ["By another model card (empty: the site as it is now)", "使用其他模型卡（留空则按当前站点配置）"],
  againHint: ["The clip is run through the setting of its bundle, and beside it through the site as it is now. Nothing is changed by it.", "录像将分别按证据中保存的设置和当前站点配置重新分析，不会更改任何内容。"],
  againRunning: ["being decided…", "分析中…"],
  againUnplayable: ["This browser cannot play the clip, so there is nothing to lay side by side; `forewarn evidence replay` says the same in words.", "此浏览器无法播放该录像；可用 `forewarn evidence replay` 查看文字结果。"],
  againSetting: ["setting", "设置"],
  againIncident: ["incident", "事件"],
  again_same: ["the same", "一致"],
  again_different: ["otherwise", "不一致"],
  again_too_short: ["too short to tell", "录像过短"],
  asKept: ["As it was decided", "当时的判定"],
  asNow: ["As it would be now", "当前的判定"],
  bothSee: ["seen by both", "两侧均检出"],
  oneSees: ["seen by one alone", "仅一侧检出"],
  play: ["Play", "播放"],
  pause: ["Pause", "暂停"],
  frameBack: ["One picture back", "上一帧"],
  frameOn: ["One picture on", "下一帧"],
  scrub: ["Place in the clip", "播放位置"],
  speed: ["Speed", "速度"],
  preview: ["preview", "预览"],
  previewMade: ["This browser cannot play the clip (H.265, perhaps). A small copy that it can play is being made…", "此浏览器无法播放该录像（可能为 H.265），正在生成可播放的小尺寸副本…"],
  previewFailed: ["This browser cannot play the clip, and no small copy of it could be made. {}", "此浏览器无法播放该录像，也未能生成副本。{}"],
  previewHint: ["A small copy in H.264, to look at. The evidence is the clip itself.", "H.264 小尺寸副本，仅供查看；证据为原始录像。"],
  again: ["Try again", "重试"],
  prepared: ["Ready to be said", "预置内容"],
  aSound: ["a sound file", "音频文件"],
  loopNow: ["The agent is at work here:", "系统正在处理："],
  loopIdle: ["The agent has nothing to say here now.", "系统当前没有播报任务。"],
  map: ["Map", "地图"],
  placesOf: ["Places, {}", "区域文明指数（{}）"],
  noPlaces: ["No camera has a place. `place` and `at` of cameras and `[map]` in the site file put them on a map.", "摄像机尚未设置位置。请在站点文件中设置摄像机的 `place` 和 `at` 以及 `[map]`。"],
  nothingPlaced: ["No camera is placed and no outline is given, so there is nothing to draw.", "没有摄像机位置和区域边界，无法绘制地图。"],
  noPlan: ["The plan cannot be shown.", "无法显示平面图。"],
  mapKeys: ["Map: arrows move it, + and − zoom, 0 shows all", "地图：方向键移动，+ 与 − 缩放，0 显示全部"],
  closer: ["Zoom in", "放大"],
  farther: ["Zoom out", "缩小"],
  wayOf: ["Flight of {}", "{} 的飞行轨迹"],
  ways: ["Flights", "飞行轨迹"],
  byPlace: ["Civility index by place", "各区域文明指数"],
  place: ["Place", "区域"],
  civility: ["Civility index", "文明指数"],
  grade_green: ["orderly", "有序"],
  grade_blue: ["good", "良好"],
  grade_yellow: ["needs attention", "需关注"],
  grade_red: ["needs action", "需整治"],
  grade_grey: ["nobody looked", "无监测"],
  heatOf: ["Where people stay at {}", "{} 的人员停留热力图"],
  allHours: ["All hours", "全天"],
  atHour: ["From {}", "{}"],
  health: ["Health", "运行状况"],
  settings: ["Settings", "设置"],
  signIn: ["Sign in", "登录"],
  signOut: ["Sign out", "退出登录"],
  name: ["Name", "用户名"],
  password: ["Password", "密码"],
  passwordHint: ["At least 12 characters. Three or four words are easy to remember.", "至少 12 个字符，几个词连在一起最好记。"],
  welcome: ["Set up this console", "首次设置控制台"],
  welcomeHint: ["You are the first here. Make the account of its administrator.", "您是第一位用户，请创建管理员账户。"],
  createAccount: ["Create account", "创建账户"],
  needLink: [
    "This console has no account yet. Open the link that the agent printed when it started.",
    "此控制台还没有账户。请打开程序启动时打印的链接。",
  ],
  search: ["Search id, place, plate", "搜索编号、地点、车牌"],
  all: ["All", "全部"],
  open: ["Open", "进行中"],
  complied: ["Complied", "已改正"],
  escalated: ["Escalated", "已上报"],
  lost: ["Lost", "已丢失"],
  over: ["Over", "已过去"],
  closed: ["Closed", "已结束"],
  violation: ["Violation", "违规类型"],
  camera: ["Camera", "摄像机"],
  zone: ["Zone", "区域"],
  judgement: ["Judgement", "判断"],
  anyJudgement: ["Any judgement", "不限判断"],
  unjudged: ["Not judged", "未判断"],
  judgedTrue: ["True", "属实"],
  judgedFalse: ["False alarm", "误报"],
  anyViolation: ["Any violation", "不限类型"],
  anyCamera: ["Any camera", "不限摄像机"],
  anyZone: ["Any zone", "不限区域"],
  from: ["From", "从"],
  to: ["To", "到"],
  clear: ["Clear filters", "清除筛选"],
  filters: ["Filters", "筛选"],
  more: ["Load more", "加载更多"],
  nothingFound: ["No incident fits these filters.", "没有符合筛选条件的事件。"],
  nothingYet: ["All quiet. New incidents appear here by themselves.", "一切平静。新事件会自动出现在这里。"],
  choose: ["Choose an incident to review it.", "选择一个事件进行查看。"],
  markTrue: ["True", "属实"],
  markFalse: ["False alarm", "误报"],
  case: ["Case", "处置"],
  caseWith: ["With {}", "由 {} 处理"],
  caseDue: ["answer due at {}", "须在 {} 前响应"],
  caseTold: ["Told: {}", "已登记：{}"],
  hold: ["Hold", "保全"],
  release: ["Release", "解除保全"],
  held: ["Held", "已保全"],
  export: ["Export", "导出"],
  report: ["Report", "报告"],
  redacted: ["Redacted…", "遮挡副本…"],
  hide: ["What is hidden", "遮挡内容"],
  hideFaces: ["Faces and heads", "人脸和头部"],
  hideOthers: ["Everybody but the subject", "除当事人以外的所有人"],
  hidePlates: ["Number plates", "车牌"],
  redactBegin: ["Make the copy", "生成副本"],
  redacting: ["A copy is made: {}", "正在生成副本：{}"],
  redactingHint: ["It takes about as long as the clips are, or several times as long on a small box. It goes on when this is closed.", "用时约为视频时长，小型设备可能为数倍。关闭此窗口后仍会继续。"],
  takeRedacted: ["Take the copy out: {}", "导出副本：{}"],
  redactedHint: [
    "Sound is left out, too, and the copy says what was hidden. What the detector does not find is not hidden: look at it before you give it away.",
    "副本不含声音，并注明遮挡的内容。检测器未发现的部分不会被遮挡，交付前请检查。",
  ],
  suppress: ["Ignore…", "忽略…"],
  next: ["Next", "下一个"],
  previous: ["Previous", "上一个"],
  back: ["Back", "返回"],
  why: ["Why?", "原因？"],
  holdHint: ["The reason stands in the evidence's chain for good.", "原因将永久记录在证据链中。"],
  suppressHint: [
    "This one — a statue, a poster — is passed over in this place. It ends by itself.",
    "在此位置忽略这一对象（如雕像、海报），到期自动结束。",
  ],
  days: ["Days", "天数"],
  note: ["Note", "备注"],
  cancel: ["Cancel", "取消"],
  save: ["Save", "保存"],
  timeline: ["Timeline", "时间线"],
  evidence: ["Evidence", "证据"],
  checking: ["Checking the seal…", "正在校验封存…"],
  intact: ["Evidence intact: every file is as it was sealed", "证据完整：所有文件与封存时一致"],
  notIntact: ["Evidence changed since it was sealed", "证据在封存后被改动"],
  unsealed: ["Not sealed yet: the incident goes on", "尚未封存：事件仍在进行"],
  notChecked: ["The evidence could not be checked", "无法校验证据"],
  nothingKept: ["No evidence is kept any more", "证据已不再保留"],
  details: ["Details", "详情"],
  missing: ["Missing", "缺失"],
  flyCloser: ["Fly closer", "请飞近"],
  notDelivered: ["The warning was due, and no loudspeaker played it.", "应播放的警告未能播出。"],
  clip: ["Clip", "视频"],
  isSealedToKey: ["Sealed to a public key: only the holder of the key can open it, with age.", "已用公钥加密，仅密钥持有人可用 age 打开。"],
  picture: ["Picture", "图片"],
  live: ["Live", "实时"],
  reconnecting: ["Reconnecting…", "正在重新连接…"],
  noPicture: ["No picture", "无画面"],
  zones: ["Zones", "区域"],
  boxes: ["Boxes", "目标框"],
  draw: ["Draw zones", "绘制区域"],
  drawOn: ["Zones of {}", "{} 的区域"],
  drawing: ["Drawing", "绘制"],
  newZone: ["New zone", "新区域"],
  newLine: ["New line", "新警戒线"],
  newMask: ["New privacy mask", "新隐私遮挡"],
  newExclusion: ["New exclusion", "新排除区域"],
  line: ["Line", "警戒线"],
  mask: ["Privacy mask", "隐私遮挡"],
  exclusion: ["Exclusion", "排除区域"],
  exclusionHint: [
    "In an exclusion nothing is detected; it stays visible and recorded.",
    "排除区域内不检测任何目标，画面仍可见并照常录制。",
  ],
  excludedOf: ["What exclusion {} is of", "排除区域 {} 的类别"],
  excludesAll: ["nothing is detected", "不检测任何目标"],
  excludeOnly: ["Only some classes…", "仅限部分类别…"],
  excludeMore: ["Another class…", "添加类别…"],
  excludeNoMore: ["Detect {} again", "重新检测 {}"],
  new: ["New", "新建"],
  finishShape: ["Done", "完成"],
  undo: ["Undo", "撤销"],
  redo: ["Redo", "重做"],
  left: ["left", "左侧"],
  turnRound: ["Turn round", "反向"],
  shapeName: ["Name", "名称"],
  nameHint: ["Each zone needs a name of its own: Latin letters, digits, - and _", "每个区域需要唯一的名称：拉丁字母、数字、- 和 _"],
  corner: ["Corner {}", "第 {} 个角点"],
  isUsed: ["A rule watches this zone; change the rule first", "有规则使用此区域，请先修改规则"],
  drawHint: [
    "Click the corners in order; Enter, a double click or the first corner ends it. Backspace takes the last one back, Escape gives it up.",
    "依次点击各角点；回车、双击或点击起点结束。退格键撤回上一点，Esc 放弃。",
  ],
  editHint: [
    "Choose a shape and drag its corners; a small dot makes a new one. Nothing is saved until you have seen what changes.",
    "选择图形并拖动角点，点击小圆点可增加角点。确认更改内容之前不会保存。",
  ],
  cornerHint: ["Arrow keys move the corner, with Shift farther; Delete takes it out; Alt keeps it from snapping.", "方向键移动角点（Shift 移动更远），Delete 删除，按住 Alt 不吸附。"],
  lookAtChanges: ["Save…", "保存…"],
  changesTitle: ["This changes in the site file", "站点文件将作如下更改"],
  takenUp: ["Saved; the agent goes by it now", "已保存并生效"],
  notTakenUp: ["Saved, but the agent has not taken it up; its log says why", "已保存，但程序尚未采用，原因见日志"],
  undoSaved: ["Take the last saved change back", "撤回上次保存的更改"],
  delayHint: ["From the camera's picture to this screen: 95 of 100 within {} ms in the last second", "从摄像机画面到本屏幕的延迟：最近一秒内 95% 的画面不超过 {} 毫秒"],
  stillsBrowser: ["This browser shows no live video; a picture every 2 s", "此浏览器不支持实时视频，每 2 秒显示一张图片"],
  previewCoding: ["This browser cannot show {} live: this is a preview of about five pictures a second.", "此浏览器无法播放 {} 实时视频：当前为每秒约五帧的预览。"],
  stillsCoding: ["Coded in {}, which is not shown live here; a picture every 2 s", "视频编码为 {}，此处不支持实时播放，每 2 秒显示一张图片"],
  transport: ["How pictures come", "传输方式"],
  webrtcNot: ["Not by WebRTC: {}.", "无法通过 WebRTC 播放：{}。"],
  webrtcNotHere: ["Not by WebRTC: {}. It goes on by Media Source.", "无法通过 WebRTC 播放：{}。已继续使用 Media Source。"],
  webrtcNothing: ["no packet got through; the network lets no UDP pass, or a proxy or tunnel stands between", "未收到数据包；网络可能阻断 UDP，或中间有代理或隧道"],
  noCameras: ["No camera is watched yet.", "尚未添加摄像机。"],
  noSuchCamera: ["No such camera", "没有此摄像机"],
  noSuchCameraHere: ["There is no camera {} for this account.", "此账户没有摄像机 {}。"],
  noPage: ["No such page", "没有此页面"],
  noPageHere: ["The console has no page {}.", "控制台没有页面 {}。"],
  toIncidents: ["To the incidents", "前往事件"],
  addFirst: ["Add the first camera", "添加第一台摄像机"],
  healthy: ["Everything works", "一切正常"],
  troubled: ["Something needs attention", "需要处理"],
  warned: ["Works, and not as well as it could", "可用，但有待改善"],
  troubles: ["Troubles", "故障"],
  warnings: ["Warnings", "提醒"],
  well: ["Working", "正常"],
  part: ["Part", "部件"],
  since: ["Since", "自"],
  language: ["Language", "语言"],
  theme: ["Appearance", "外观"],
  system: ["As the device", "跟随设备"],
  light: ["Light", "浅色"],
  dark: ["Dark", "深色"],
  allCameras: ["All cameras", "全部摄像机"],
  chooseCameras: ["Cameras…", "摄像机…"],
  camerasOf: ["Cameras of {}", "{} 可访问的摄像机"],
  limitHint: ["Only these are seen, heard and judged. An administrator reaches all of them.", "仅可查看、收听和判断所选摄像机。管理员可访问全部摄像机。"],
  limitEnds: ["Who is signed in by this account is signed out.", "保存后，此账户的登录将结束。"],
  accounts: ["Accounts", "账户"],
  role: ["Role", "角色"],
  viewer: ["Viewer: looks", "查看者：只读"],
  operator: ["Operator: judges and exports", "操作员：判断与导出"],
  admin: ["Administrator", "管理员"],
  add: ["Add account", "添加账户"],
  remove: ["Delete", "删除"],
  removeSure: ["Delete the account {}?", "删除账户 {}？"],
  changePassword: ["Change password", "修改密码"],
  formerPassword: ["Present password", "当前密码"],
  newPassword: ["New password", "新密码"],
  passwordChanged: ["The password is changed. Sign in again.", "密码已修改，请重新登录。"],
  codes: ["Authenticator app", "身份验证器"],
  codesAsked: ["asks for a code", "需要验证码"],
  codesTurnOn: ["Ask for codes of an app", "启用身份验证器"],
  codesTurnOff: ["Ask for no codes", "停用身份验证器"],
  codesOffSure: ["Ask for the password alone from now on?", "今后仅使用密码登录？"],
  codesOffSureFor: ["Let {} sign in by the password alone from now on?", "今后允许 {} 仅使用密码登录？"],
  codesOn: ["From now on a code is asked for at each sign-in", "今后每次登录都需要验证码"],
  codesOff: ["From now on the password is enough", "今后仅使用密码即可登录"],
  codesHint: [
    "Enter this key into an authenticator app (time-based, six figures), then the code that it shows. Keep the key: without telephone and key only an administrator lets you in.",
    "请在身份验证器应用中输入此密钥（基于时间，六位数字），再填写显示的验证码。请保管好密钥：手机与密钥都丢失时，只有管理员能恢复登录。",
  ],
  codesOpen: ["Open it in an app on this device", "在本机的应用中打开"],
  code: ["Code", "验证码"],
  codeHint: ["Six figures, from your authenticator app", "身份验证器应用显示的六位数字"],
  tokens: ["Tokens for programs", "程序令牌"],
  pushTitle: ["Messages to phones: {}", "手机推送：{}"],
  pushHint: ["Whoever holds a browser or phone signs it up here; it is told also while this page is closed.", "在要接收推送的浏览器或手机上登记；页面关闭时也会收到。"],
  pushNeedsTls: ["Browsers take messages only of a page that they have opened over HTTPS, and this one takes none.", "浏览器仅接收通过 HTTPS 打开的页面的推送，此浏览器不支持。"],
  pushAdd: ["Tell this browser", "向此浏览器推送"],
  pushOn: ["This browser is told from now on", "此浏览器将收到推送"],
  pushThis: ["this browser", "此浏览器"],
  pushYou: ["you", "您"],
  pushService: ["Service", "推送服务"],
  pushOffSure: ["Tell it no more?", "不再向其推送？"],
  tokensHint: ["A program asks by a token in place of a password, and only for what the token is for.", "程序用令牌代替密码访问，且仅限令牌的权限范围。"],
  scopes: ["For", "权限"],
  lasts: ["Lasts", "有效期"],
  lastsDays: ["Lasts so many days", "有效天数"],
  daysLeft: ["{} days more", "还有 {} 天", "1 day more"],
  hasEnded: ["Ended", "已过期"],
  addToken: ["Make a token", "创建令牌"],
  removeTokenSure: ["Delete the token {}? What asks by it will be refused.", "删除令牌 {}？使用它的程序将被拒绝。"],
  scopeNone: ["no", "无"],
  scopeRead: ["read", "读取"],
  scopeWrite: ["read and change", "读取与修改"],
  tokenMade: ["The token", "令牌"],
  tokenOnce: ["It is shown this once. Keep it as you keep a password.", "仅显示这一次，请像密码一样保管。"],
  copy: ["Copy", "复制"],
  copied: ["Copied", "已复制"],
  audit: ["Audit log", "审计日志"],
  when: ["When", "时间"],
  who: ["Who", "用户"],
  deed: ["What", "操作"],
  about: ["About", "对象"],
  keys: ["Keyboard", "键盘快捷键"],
  keysHint: ["Press ? to see the keys", "按 ? 查看快捷键"],
  keyNext: ["next, previous incident", "下一个、上一个事件"],
  keySearch: ["search", "搜索"],
  close: ["Close", "关闭"],
  saved: ["Saved", "已保存"],
  markedTrue: ["Marked as true", "已标记为属实"],
  markedFalse: ["Marked as false alarm", "已标记为误报"],
  isHeld: ["The evidence is held", "证据已保全"],
  isReleased: ["The evidence is released", "已解除保全"],
  isSuppressed: ["It is passed over from now on", "从现在起忽略此对象"],
  addCamera: ["Add a camera", "添加摄像机"],
  cameraNameHint: ["Latin letters, digits, - and _, such as gate-2", "拉丁字母、数字、- 和 _，例如 gate-2"],
  nameWrong: [
    "This cannot be a name: take Latin letters (a–z, A–Z), digits, - and _, with a letter or digit first and at most 63 in all, such as gate-2.",
    "不能用作名称：请使用拉丁字母（a–z、A–Z）、数字、- 和 _，以字母或数字开头，最多 63 个字符，例如 gate-2。",
  ],
  address: ["Address of its video", "视频地址"],
  addressHint: ["It begins with rtsp://, http:// or the like.", "以 rtsp://、http:// 等开头。"],
  addressWrong: ["This is no address: rtsp:// or http:// comes first, then the camera, such as rtsp://192.168.1.20:554/stream1.", "不是有效的地址：应以 rtsp:// 或 http:// 开头，后接摄像机，例如 rtsp://192.168.1.20:554/stream1。"],
  cameraUser: ["User, if it asks for one", "登录名（如需要）"],
  secretHint: ["Kept in a file of its own, never in the site file.", "单独保存在文件中，不会写入站点文件。"],
  lookAtCamera: ["Look", "查看画面"],
  looking: ["Looking…", "正在查看…"],
  lookAlt: ["What {} shows", "{} 的画面"],
  watch: ["Rules and speakers", "规则与扬声器"],
  watchedAt: ["What is watched for at {}", "{} 的监测内容"],
  rules: ["Rules", "规则"],
  noRules: ["Nothing is looked for here yet. Draw a zone, then choose a violation for it.", "此处尚无规则。请先绘制区域，再选择违规类型。"],
  wholePicture: ["Whole picture", "整个画面"],
  fromTime: ["From (time of day)", "开始时间"],
  toTime: ["To (time of day)", "结束时间"],
  onDays: ["On", "日期"],
  alwaysHint: ["Without times it holds always, without days on every day.", "不填时间则始终有效，不选日期则每天有效。"],
  tryOut: ["Try it on the last hour", "用最近一小时的录像试运行"],
  tryNoFootage: ["This cannot be tried before it is saved: no footage is kept of {}. `footage = true` in the site file keeps it.", "保存前无法试运行：{} 没有保存录像。在站点文件中设置 `footage = true` 即可保存。"],
  trying: ["Looked at: {}", "已查看：{}"],
  stop: ["Stop", "停止"],
  tryWould: ["{} would have been raised;", "将会产生 {} 起事件；"],
  tryWas: ["{} of them were.", "其中 {} 起实际产生过。", "1 of them was."],
  tryNoMore: ["{} that were raised would not have been.", "另有 {} 起实际产生的事件将不会产生。", "1 that was raised would not have been."],
  trySpan: ["Footage of {}.", "录像时段：{}。"],
  trySpanCut: ["Not all of it was looked at, only {}.", "未查看全部录像，仅 {}。"],
  tryGaps: ["It is interrupted in {} places.", "其中有 {} 处缺失。", "It is interrupted in 1 place."],
  tryOthers: ["{} incidents of other rules at that time, which this does not change", "同一时段其他规则的 {} 起事件，不受此更改影响", "1 incident of another rule at that time, which this does not change"],
  tryBoth: ["was raised, too", "实际也产生"],
  tryNew: ["new", "新增"],
  tryGone: ["no longer", "不再产生"],
  tryHint: [
    "Nobody heard a warning of it, so what people would have done is not told; what is passed over and sensors say nothing here.",
    "试运行时无人听到警告，因此不反映改正情况；忽略项和传感器不参与试运行。",
  ],
  addRule: ["Add rule…", "添加规则…"],
  speakers: ["Loudspeakers", "扬声器"],
  noSpeakers: ["There is no loudspeaker yet.", "尚无扬声器。"],
  addSpeaker: ["Add a loudspeaker…", "添加扬声器…"],
  speakerKind: ["What it is", "类型"],
  speakerLocal: ["This box's sound card", "本机声卡"],
  speakerCamera: ["The loudspeaker in this camera", "此摄像机自带的扬声器"],
  speakerRtp: ["An IP horn (RTP)", "网络号角（RTP）"],
  speakerAddress: ["Its address and port", "地址和端口"],
  speakerAddressHint: ["An IP address, a colon and a port, such as 192.168.1.30:5004", "IP 地址、冒号和端口，例如 192.168.1.30:5004"],
  speakerNoPort: ["The port is missing; where the horn's manual names no other, write {}.", "缺少端口；如号角说明书未指定其他端口，请填写 {}。"],
  speakerWrong: ["This is no IP address with a port; write it like 192.168.1.30:5004.", "不是带端口的 IP 地址，请按 192.168.1.30:5004 的格式填写。"],
  speakerHint: ["Devices that are asked over HTTP or MQTT are named in the site file by hand.", "通过 HTTP 或 MQTT 控制的设备请在站点文件中填写。"],
  addAndUse: ["Use here…", "用于此处…"],
  findCameras: ["Find cameras", "查找摄像机"],
  finding: ["Asking the network…", "正在查找…"],
  findHint: ["Cameras that speak ONVIF answer within 3 s.", "支持 ONVIF 的摄像机会在 3 秒内应答。"],
  noneFound: [
    "No camera answered. Is ONVIF switched on in it, and is it in the same network as this box? Its address can be pasted below.",
    "没有摄像机应答。请确认摄像机已启用 ONVIF 且与本机在同一网络，也可在下方直接填写地址。",
  ],
  itsStreams: ["Its streams", "查看视频流"],
  askAgain: ["Ask again", "重新查询"],
  takeStream: ["Take this one", "使用此视频流"],
  orByAddress: ["By its address", "按地址添加"],
  triedFirst: ["tried first", "优先使用"],
  fallBack: ["where the one before fails", "前一个失败时使用"],
  hearTest: ["Hear a test", "试听"],
  testText: ["This is a test of the loudspeaker.", "这是扬声器测试。"],
  useHere: ["Use here…", "用于此处…"],
  takeOut: ["Take out…", "移除…"],
  talk: ["Speak over a loudspeaker", "喊话"],
  talkText: ["What is to be said", "喊话内容"],
  talkHint: ["It is heard at once: a warning that sounds there is cut and said again later. It stands in the audit log with your name.", "将立即播放：正在播放的警告会被打断并在之后重播。此操作以您的名义记入审计日志。"],
  holdToTalk: ["Hold to talk", "按住说话"],
  letGo: ["Let go to be heard", "松开后播放"],
  speakNow: ["Speak now: {} of 30 s", "请讲话：{} / 30 秒"],
  microphoneAsked: ["The browser asks for the microphone…", "浏览器正在请求使用麦克风…"],
  noMicrophone: ["The browser gives no microphone: allow it for this page, and see that one is connected.", "无法使用麦克风：请允许本页面使用，并检查麦克风是否已连接。"],
  microphoneNeedsTls: ["To talk by a microphone, open this page over HTTPS or on the box itself.", "如需用麦克风喊话，请通过 HTTPS 或在设备本机上打开此页面。"],
  speak: ["Speak", "播放"],
  speaking: ["{} speaks…", "{} 正在播放…"],
  wasHeard: ["It was played ({})", "已播放（{}）"],
  noAnswer: ["the agent does not answer; is it running, and is the line up?", "程序没有响应，请检查程序是否在运行、网络是否正常"],
  siteTime: ["Times are those of the site: {}", "时间均为站点时间：{}"],
  failed: ["That did not work: {}", "操作失败：{}"],
  newOnes: ["{} new", "{} 条新事件"],
  ago: ["{} ago", "{}前"],
  openCount: ["{} open", "{} 个进行中"],
  unjudgedCount: ["{} to judge", "{} 个待判断"],
  warningsPlayed: ["{} warnings heard", "已播放 {} 次警告", "1 warning heard"],
  noWarning: ["No warning was played", "未播放警告"],
  coveredWarning: ["The warning that was played here a moment before holds for this one, too", "刚在此处播放的警告同样适用于此事件"],
  escalateNow: ["Escalate now", "立即升级"],
  escalateHint: ["People are told at once, before the warnings are used up. The record says who wanted it.", "立即通知人员，不等警告用尽；记录会写明操作人。"],
  isEscalated: ["Escalated: people are told.", "已升级，正在通知人员。"],
  announcements: ["What was said", "播报内容"],
  hearIt: ["Hear it again: {}", "重听：{}"],
  saidHint: ["The words are kept as they were said. The sound is made again from them, in the voice of the loudspeaker.", "文字为当时播报的原文；语音按该扬声器的发音设置重新合成。"],
  heard: ["Warning heard", "警告已播出"],
  people: ["{} people", "{} 人"],
  skip: ["Skip to content", "跳到内容"],
  menu: ["Sections", "栏目"],
  viewerOnly: ["Your role looks only.", "您的角色仅可查看。"],
} as const;

export type Word = keyof typeof words;

const details: Record<string, string> = {
  true: words.judgedTrue[1],
  false_alarm: words.judgedFalse[1],
  viewer: "查看者",
  operator: "操作员",
  admin: "管理员",
  "as a ZIP file": "ZIP 文件",
};

export interface Say {
  language: Language;
  (word: Word, value?: string | number): string;
  step(state: string): string;
  cause(cause: string): string;
  /** A loudspeaker that was tried, and what came of it. */
  tried(tried: Tried): string;
  /** A stage of a case, or why it took a step without anybody. */
  stage(stage: string): string;
  outcome(outcome: string): string;
  day(day: string): string;
  /** What the server tells in both languages. */
  of(text: Both): string;
  /** More of a line of the audit log: words of files are told in the page's language, what people wrote as it is. */
  detail(text: string): string;
  /** Sentences that the agent says in English, in the page's language where they are known. */
  told(text: string): string;
  /** Why something failed. */
  why(error: unknown): string;
}

export function sayIn(language: Language): Say {
  const pick = language === "zh" ? 1 : 0;
  const say = (word: Word, value: string | number = "") => {
    const told: readonly string[] = words[word];
    const one = pick === 0 && value === 1 ? told[2] : undefined;
    return (one ?? words[word][pick]).replace("{}", () => String(value));
  };
  return Object.assign(say, {
    language,
    step: (state: string) => steps[state]?.[pick] ?? state,
    cause: (cause: string) => causes[cause]?.[pick] ?? cause.replaceAll("_", " "),
    tried: ({ speaker, proof, lasted_ms, failed, why }: Tried) => {
      const of = (from: Record<string, [string, string]>, key?: string) => key && (from[key]?.[pick] ?? key);
      const lasted = lasted_ms !== undefined && `${(lasted_ms / 1000).toFixed(1)} ${pick ? "秒" : "s"}`;
      return `${speaker}: ${[of(failures, failed), of(proofs, proof), lasted, why].filter(Boolean).join("; ")}`;
    },
    stage: (stage: string) => stages[stage]?.[pick] ?? stage.replaceAll("_", " "),
    outcome: (outcome: string) => (outcome in words ? words[outcome as Word][pick] : outcome),
    day: (day: string) => weekdays[day]?.[pick] ?? day,
    told: (text: string) => (pick ? inChinese(text) : text),
    of: (text: Both) => (pick ? text.zh : text.en),
    detail: (text: string) => {
      const days = /^for (\d+) days$/.exec(text)?.[1];
      if (!pick) return days === "1" ? "for 1 day" : text;
      return days ? `${days} 天` : (details[text] ?? stages[text]?.[1] ?? text);
    },
    why: (error: unknown) => (error instanceof Refused ? (pick ? error.why.zh : error.why.en) : words.noAnswer[pick]),
  });
}

export const Words = createContext<Say>(sayIn("en"));
export const useWords = () => useContext(Words);

/** A name of the site file for people. */
export const pretty = (name: string) => name.replaceAll(/[_-]+/g, " ").replace(/^./, (c) => c.toUpperCase());

/** The site's time zone, in which all times are shown: captions in pictures are in it, too. */
let zone = "UTC";
export const useZone = (name: string) => {
  zone = name;
  formats.clear();
};
export const siteZone = () => zone;

/** Each is made once: to make one for every row of the queue takes longer than to draw the queue. */
const formats = new Map<string, Intl.DateTimeFormat>();
function format(locale: string, of: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${locale} ${Object.keys(of).join()}`;
  const made = formats.get(name) ?? new Intl.DateTimeFormat(locale, { ...of, timeZone: zone });
  formats.set(name, made);
  return made;
}

const dayOf = (at: Date) => format("en-CA", {}).format(at);

export function clock(us: number, language: Language, isLong = false): string {
  const at = new Date(us / 1000);
  const isToday = dayOf(at) === dayOf(new Date());
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
  const day: Intl.DateTimeFormatOptions = isLong
    ? { year: "numeric", month: "short", day: "numeric", weekday: "short", timeZoneName: "short" }
    : isToday
      ? {}
      : { month: "short", day: "numeric" };
  return format(language === "zh" ? "zh-CN" : "en-GB", { ...day, ...time }).format(at);
}

/** When a day begins at the site, in milliseconds. */
export function dayBegins(day: string): number {
  const utc = Date.parse(`${day}T00:00:00Z`);
  const offset = (at: number) => {
    const of = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(new Date(at));
    const [, sign, hours, minutes] = /GMT(?:([+-])(\d+):(\d+))?/.exec(of.find((part) => part.type === "timeZoneName")?.value ?? "") ?? [];
    return (sign === "-" ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
  };
  // The offset of that very instant, which may not be the one at midnight UTC.
  return utc - offset(utc - offset(utc));
}

export function span(us: number): string {
  const s = us / 1e6;
  if (s < 99.95) return `${s.toFixed(1)} s`;
  const m = Math.round(s / 60);
  return m < 120 ? `${m} min` : `${Math.round(m / 60)} h`;
}

export const size = (bytes: number) =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
