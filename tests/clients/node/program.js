// Does what the readme and the examples of the published Node client show, and prints what came of it as JSON.
// CLIENT, PHOTO, FILE and DESTINATION come from the environment, and the three names that the client itself reads.
'use strict';

const { CLIENT, PHOTO, FILE, DESTINATION } = process.env;
const DOT = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
const px = require(CLIENT)();

// --- how results are read: by the client's own getters ---------------------------------------------

function ofRef(output, ref) {
  return {
    location: output.getLocation(ref),
    width: output.getWidth(ref),
    height: output.getHeight(ref),
    bytes: output.getBytes(ref),
    type: output.getSize(ref).type,
  };
}

function ofResult(result, tag, ref) {
  return ofRef(result.getOutput(tag), ref || 'taxi');
}

function ofInfo(info) {
  return { width: info.getWidth('taxi'), height: info.getHeight('taxi'), bytes: info.getBytes('taxi') };
}

function called(start) {
  return new Promise((resolve, reject) => start((wrong, got) => (wrong ? reject(wrong) : resolve(got))));
}

async function made(tag, chain, photo) {
  const image = px({ taxi: photo || PHOTO });
  chain(image.output({ taxi: 'unsplashed_taxi' }).tag(tag).url('6px'));
  return ofResult(await image.save(), tag);
}

// --- what is shown ------------------------------------------------------------------------------------

const shown = {
  upload_with_a_tag: () => made('img', (output) => output),
  sepia: () => made('vintage', (output) => output.filter({ sepia: 70 })),
  sepia_by_name: () => made('vintage', (output) => output.filter('sepia', 70)),
  thumbnail: () => made('vintage_thumb', (output) => output.filter({ sepia: 70 }).resize({ width: 75 })),
  colorize: () => made('green', (output) => output.filter({ colorize: { hex: '#00FF00', strength: 80 } })),
  colorize_and_blur: () =>
    made('green_blur', (output) => output.filter({ colorize: { hex: '#00FF00', strength: 80 }, stackBlur: 20 })),
  filters_on_a_file: () => made('filtered', (output) => output.filter({ sepia: 80, contrast: 60 }), FILE),
  rotate: () => made('rotated', (output) => output.rotate({ degrees: 90 })),
  rotate_on_a_colour: () => made('turned', (output) => output.rotate({ degrees: 40, color: '#FF0000' })),
  resize_a_file: () => made('resized', (output) => output.resize({ width: 250 }), FILE),
  two_crops_are_merged: () =>
    made('cropped', (output) =>
      output.crop({ x: 0, y: 0, width: 25, height: 25 }).crop({ x: 10, y: 10, width: 40, height: 30 })),

  async override_by_tag() {
    const image = px({ taxi: PHOTO });
    image.output({ taxi: 'unsplashed_taxi' }).tag('thumb').url('6px').resize({ height: 20, width: 20 });
    image.getOutputByTagName('thumb').resize({ height: 40, width: 40 });
    return ofResult(await image.save(), 'thumb');
  },

  async watermark() {
    const image = px({ taxi: FILE, logo: DOT });
    image.output({ taxi: false }).layer('logo', { opacity: 0.8 }).url('6px').tag('watermarked');
    return ofResult(await image.save(), 'watermarked');
  },

  async several_outputs() {
    const image = px({ taxi: PHOTO }).load('bus', FILE);
    image.output({ taxi: 'one', bus: 'two' }).tag('both').url('6px').resize({ width: 30 });
    image.output({ bus: false }).tag('single').url('6px').resize({ width: 50 });
    const result = await image.save();
    return {
      taxi: ofResult(result, 'both', 'taxi'),
      bus: ofResult(result, 'both', 'bus'),
      single: ofResult(result, 'single', 'bus'),
    };
  },

  async own_destination() {
    if (!DESTINATION) return null;
    const image = px({ taxi: PHOTO });
    image.output({ taxi: 'mine' }).tag('own').url(DESTINATION).resize({ width: 60 });
    return ofResult(await image.save(), 'own');
  },

  no_tag: async () => {
    const image = px({ taxi: PHOTO });
    image.output({ taxi: false }).url('6px');
    return { outputs: Object.keys((await image.save()).outputs) };
  },

  info: async () => ofInfo(await px({ taxi: PHOTO }).getInfo()),
  info_with_a_callback: async () => ofInfo(await called((done) => px({ taxi: PHOTO }).getInfo(done))),
  upload: async () => ofInfo(await px({ taxi: PHOTO }).upload()),
  upload_with_a_callback: async () => ofInfo(await called((done) => px({ taxi: FILE }).upload(done))),

  async save_with_a_callback() {
    const image = px({ taxi: PHOTO });
    image.output({ taxi: false }).tag('called').url('6px').resize({ width: 33 });
    return ofResult(await called((done) => image.save({}, done)), 'called');
  },

  async quick_jobs_one_by_one() {
    for (let count = 0; count < 15; count += 1) await px({ taxi: DOT }).getInfo();
    return { ended: 15 };
  },

  async quick_jobs_all_at_once() {
    const infos = await Promise.all(Array.from({ length: 15 }, () => px({ taxi: DOT }).getInfo()));
    return { ended: infos.filter((info) => info.getWidth('taxi') === 1).length };
  },

  async failure() {
    const heard = new Promise((resolve) => {
      px.on('job.update', (id, status) => { if (status === 'failed') resolve(id); });
    });
    px({ taxi: 'data:image/png;base64,AAAA' }).getInfo();
    const job = await px.get(await heard);
    return { status: job.status, code: job.processed[0].error.code };
  },

  async refusal() {
    const image = px({ taxi: PHOTO });
    image.output({ lorry: false }).tag('nothing').url('6px');
    return { words: await image.save().then(() => 'accepted', (wrong) => String(wrong)) };
  },
};

async function outcome(show) {
  try {
    return await show();
  } catch (wrong) {
    return { wrong: String((wrong && wrong.stack) || wrong) };
  }
}

// --- the run -----------------------------------------------------------------------------------------

let connections = 0;

async function run() {
  const results = {};
  for (const [name, show] of Object.entries(shown)) results[name] = await outcome(show);
  if (process.env.IDLE) {
    await new Promise((resolve) => setTimeout(resolve, Number(process.env.IDLE) * 1000));
    results.after_a_while = await outcome(shown.thumbnail);
  }
  results.connections = connections;
  process.stdout.write(JSON.stringify(results), () => process.exit(0));
}

px.on('connection', () => {
  connections += 1;
  if (connections === 1) run();
});
