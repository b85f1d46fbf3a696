// What somebody who looks at a camera live has of it: how old the boxes over its pictures are, and how late the pictures.

/** From one picture of the tests' cameras to the next. */
const PICTURE_MS = 100;

/** How old what is drawn is in each of `n` pictures that are shown with boxes, sorted: nothing in those that the agent looked at. */
export async function ages(page, n) {
  const offs = await page.evaluate(
    (n) =>
      new Promise((done) => {
        const found = [];
        const [video, canvas] = [document.querySelector("video"), document.querySelector("canvas.boxes")];
        const shown = () => {
          if (Number(canvas.dataset.boxes) > 0) found.push(Number(canvas.dataset.off));
          if (found.length < n) video.requestVideoFrameCallback(shown);
          else done(found);
        };
        video.requestVideoFrameCallback(shown);
      }),
    n,
  );
  offs.sort((a, b) => a - b);
  if (!(offs[0] >= 0 && offs[0] <= PICTURE_MS)) throw new Error(`boxes are of other pictures: ${offs} ms`);
  return offs;
}

/** The delays that the page tells in each of twenty seconds, in milliseconds: of half the pictures, and of 95 of 100; sorted. */
export async function delays(page) {
  const [half, most] = [[], []];
  for (let n = 0; n < 20; n++) {
    await page.waitForTimeout(1000);
    const told = page.locator("[data-delay]").first();
    half.push(Number(await told.getAttribute("data-delay")));
    most.push(Number(await told.getAttribute("data-most")));
  }
  for (const of of [half, most]) of.sort((a, b) => a - b);
  return { half, most };
}
