// Plays fragmented MP4 as it comes, as near to now as it can, by Media Source.

/** So far behind the newest picture is aimed for. */
const LAG_S = 0.12;
/** Further behind, it plays a little faster. */
const BEHIND_S = 0.3;
/** Further behind, it leaps. */
const LEAP_S = 1.2;
/** What was shown is kept for so long: a browser takes no more than some 150 MB. */
const KEEP_S = 8;
/** Bytes that wait for the browser; a browser that takes none is begun anew. */
const MOST_BYTES = 24 << 20;
/** Without a picture for so long it is begun anew. */
const STUCK_MS = 8000;

export class Player {
  private media = new MediaSource();
  private buffer: SourceBuffer | null = null;
  private queue: Uint8Array[] = [];
  private bytes = 0;
  private codec = "";
  private newestS = -1;
  private shownAt = performance.now();
  private address: string;
  private watchdog: number;
  private isClosed = false;
  originUs = 0;

  constructor(
    private video: HTMLVideoElement,
    private onShown: (mediaTimeS: number, displayAtMs: number) => void,
    private onBroken: () => void,
  ) {
    this.address = URL.createObjectURL(this.media);
    this.media.addEventListener("sourceopen", () => this.open());
    video.src = this.address;
    video.addEventListener("error", this.broken);
    this.watchdog = window.setInterval(() => this.look(), 1000);
    this.await();
  }

  /** The pictures that follow are coded so. False where this browser plays no such thing. */
  start(codec: string, originUs: number): boolean {
    this.codec = `video/mp4; codecs="${codec}"`;
    this.originUs = originUs;
    if (!MediaSource.isTypeSupported(this.codec)) return false;
    if (this.buffer) this.buffer.changeType(this.codec);
    else this.open();
    return true;
  }

  piece(mp4: Uint8Array, atUs: number, isPicture: boolean) {
    if (this.isClosed) return;
    this.queue.push(mp4);
    this.bytes += mp4.length;
    if (isPicture) this.newestS = Math.max(this.newestS, (atUs - this.originUs) / 1e6);
    if (this.bytes > MOST_BYTES) this.broken();
    else this.feed();
  }

  close() {
    this.isClosed = true;
    // The browser may still tell of what it takes in, and of a buffer that is gone it refuses to say anything.
    this.buffer = null;
    clearInterval(this.watchdog);
    this.video.removeEventListener("error", this.broken);
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.address);
  }

  private broken = () => {
    if (this.isClosed) return;
    this.close();
    this.onBroken();
  };

  private open() {
    if (this.buffer || !this.codec || this.media.readyState !== "open") return;
    this.buffer = this.media.addSourceBuffer(this.codec);
    this.buffer.addEventListener("updateend", () => {
      this.follow();
      this.feed();
    });
    this.feed();
  }

  private feed() {
    const buffer = this.buffer;
    if (!buffer || buffer.updating || !this.queue.length || this.media.readyState !== "open") return;
    const whole = new Uint8Array(this.bytes);
    let at = 0;
    for (const piece of this.queue) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.queue = [];
    this.bytes = 0;
    try {
      buffer.appendBuffer(whole);
    } catch {
      this.broken();
    }
  }

  /** Keeps to the newest picture. */
  private follow() {
    const { video, buffer, newestS } = this;
    if (!buffer || this.media.readyState !== "open") return;
    if (newestS < 0 || !buffer.buffered.length || video.seeking) return;
    const behind = newestS - video.currentTime;
    const first = buffer.buffered.start(buffer.buffered.length - 1);
    const isOutside = video.currentTime < first;
    if (isOutside || behind > LEAP_S) video.currentTime = Math.max(first, newestS - LAG_S);
    video.playbackRate = behind > BEHIND_S ? 1.15 : behind < LAG_S / 2 ? 0.97 : 1;
    if (video.paused) void video.play().catch(() => {});
    const old = video.currentTime - KEEP_S;
    if (!buffer.updating && old > buffer.buffered.start(0) + KEEP_S) buffer.remove(0, old);
  }

  private look() {
    if (document.visibilityState !== "visible") this.shownAt = performance.now();
    if (performance.now() - this.shownAt > STUCK_MS) this.broken();
  }

  private await() {
    this.video.requestVideoFrameCallback((_, shown) => {
      if (this.isClosed) return;
      this.shownAt = performance.now();
      this.onShown(shown.mediaTime, shown.expectedDisplayTime);
      this.await();
    });
  }
}
