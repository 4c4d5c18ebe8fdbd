// Does what the readme and the example of the published browser client show, and reports what came of it to the desk.
// Which part it does stands in the address: ?run=stranger, wrong_key, readme.
'use strict';

const DOT = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';

// --- how results are read: by the client's own getters ---------------------------------------------------

function ofRef(output, ref) {
  return {
    location: output.getLocation(ref),
    width: output.getWidth(ref),
    height: output.getHeight(ref),
    bytes: output.getBytes(ref),
  };
}

function ofInfo(info) {
  return { width: info.getWidth('taxi'), height: info.getHeight('taxi'), bytes: info.getBytes('taxi') };
}

async function made(tag, chain, photo) {
  const image = px({ taxi: photo });
  chain(image.output({ taxi: 'unsplashed_taxi' }).tag(tag).url('6px'));
  return ofRef((await image.save()).getOutput(tag), 'taxi');
}

async function loaded(location) {
  const picture = new Image();
  picture.src = location;
  await picture.decode();
  return { width: picture.naturalWidth, height: picture.naturalHeight };
}

async function chosenFile() {
  const bytes = await (await fetch('/taxi.png')).blob();
  const files = new DataTransfer();
  files.items.add(new File([bytes], 'taxi.png', { type: 'image/png' }));
  document.querySelector('#upload').files = files.files;
  return files;
}

// --- what is shown ---------------------------------------------------------------------------------------

function shown(photo) {
  return {
    sepia: () => made('vintage', (output) => output.filter({ sepia: 70 }), photo),
    thumbnail: () => made('vintage_thumb', (output) => output.filter({ sepia: 70 }).resize({ width: 75 }), photo),
    colorize: () => made('green', (output) => output.filter({ colorize: { hex: '#00FF00', strength: 80 } }), photo),
    rotate: () => made('rotated', (output) => output.rotate({ degrees: 90 }), photo),
    crop: () => made('cropped', (output) => output.crop({ x: 10, y: 10, width: 20, height: 30 }), photo),
    img_element: () => made('img', (output) => output, document.getElementById('imgElm')),
    dropped_file: async () => made('dropped', (output) => output, await chosenFile()),
    info: async () => ofInfo(await px({ taxi: photo }).getInfo()),
    upload: async () => ofInfo(await px({ taxi: photo }).upload()),

    async override_by_tag() {
      const image = px({ taxi: photo });
      image.output({ taxi: 'unsplashed_taxi' }).tag('thumb').url('6px').resize({ height: 20, width: 20 });
      image.getOutputByTagName('thumb').resize({ height: 40, width: 40 });
      return ofRef((await image.save()).getOutput('thumb'), 'taxi');
    },

    async watermark_on_a_chosen_file() {
      await chosenFile();
      const image = px({ image: document.querySelector('#upload'), logo: DOT });
      image.output({ image: false }).layer('logo', { opacity: 0.6 }).tag('watermarked').url('6px');
      image.getOutputByTagName('watermarked').resize({ width: 40 });
      image.getOutputByTagName('watermarked').resize({ height: 40 });
      const result = ofRef((await image.save()).getOutput('watermarked'), 'image');
      return { ...result, seen: await loaded(result.location) };
    },

    async quick_jobs() {
      for (let count = 0; count < 10; count += 1) await px({ taxi: DOT }).getInfo();
      return { ended: 10 };
    },
  };
}

async function outcome(show) {
  try {
    return await show();
  } catch (wrong) {
    return { wrong: String((wrong && wrong.stack) || JSON.stringify(wrong)) };
  }
}

function next(name) {
  return new NativePromise((resolve) => window.addEventListener(name, resolve, { once: true }));
}

// --- the runs --------------------------------------------------------------------------------------------

const runs = {
  async stranger(settings) {
    const wrong = next('error').then(() => 'refused');
    px.init(settings);
    return { outcome: await NativePromise.race([wrong, next('connection').then(() => 'connected')]) };
  },

  async wrong_key(settings) {
    // the client's own event carries a detail; an error that it did not catch does not
    const wrong = next('error').then((event) => (event instanceof CustomEvent ? 'told' : event.message));
    px.init({ ...settings, apiKey: 'wrong' });
    return { outcome: await NativePromise.race([wrong, next('connection').then(() => 'connected')]) };
  },

  async readme(settings) {
    let connections = 0;
    const results = {};
    px.on('connection', () => { connections += 1; });
    const connected = px.init(settings);
    results.at_once = await outcome(() => made('raw', (output) => output, settings.photo));
    await connected;
    for (const [name, show] of Object.entries(shown(settings.photo))) results[name] = await outcome(show);
    results.connections = connections;
    const again = next('connection');
    await fetch('/restart', { method: 'POST' });
    await again;
    results.after_a_restart = await outcome(() => made('raw', (output) => output, settings.photo));
    return results;
  },
};

(async () => {
  const run = new URLSearchParams(window.location.search).get('run');
  const settings = await (await fetch('/settings.json')).json();
  const results = await outcome(() => runs[run](settings));
  const reply = await fetch(`/done/${run}`, { method: 'POST', body: JSON.stringify(results) });
  const then = settings.then[run];
  if (reply.ok && then) window.location = then;
})();
