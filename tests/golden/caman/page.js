/* Runs every case through CamanJS on a canvas, and posts the pixels back. Never judges them. */

"use strict";

/* The same chance in every run: noise is the only filter that asks for it (mulberry32). */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

async function drawn(photo) {
  const image = new Image();
  image.src = photo;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(image, 0, 0);
  return canvas;
}

function filtered(canvas, calls, seed) {
  return new Promise((resolve) => {
    Caman(canvas, function () {
      Math.random = seeded(seed);
      for (const [method, ...values] of calls) this[method](...values);
      this.render(() => resolve(canvas));
    });
  });
}

async function run() {
  const cases = await (await fetch("/cases.json")).json();
  for (const [place, { photo, calls, seed }] of cases.entries()) {
    let canvas = await drawn(photo);
    if (calls.length) canvas = await filtered(canvas, calls, seed);
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    await fetch(`/pixels/${place}`, { method: "POST", body: pixels.data });
  }
  await fetch("/done", { method: "POST", body: navigator.userAgent });
}

window.onload = () => run().catch((error) => fetch("/failed", { method: "POST", body: String(error) }));
