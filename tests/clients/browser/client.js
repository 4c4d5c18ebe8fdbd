// A stand-in for 6px' browser client 1.0.1, which no registry has: its requests, its socket and what it makes of
// replies, behind the calls that its readme shows. ADDRESS is replaced by the service's address.
'use strict';

(() => {
  const API = 'ADDRESS/v1';
  const SOCKET = 'ADDRESS'.replace('http', 'ws');
  let account = null;

  // --- requests: the key in the query, status 200 or nothing, JSON in every case --------------------------

  function ask(method, path, body) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.onloadend = () => {
        const reply = JSON.parse(request.responseText);
        if (request.status === 200) resolve(reply); else reject(reply);
      };
      request.open(method, `${API}/users/${account.userId}${path}?key=${account.apiKey}`);
      if (body) request.setRequestHeader('Content-Type', 'application/json');
      request.send(body ? JSON.stringify(body) : undefined);
    });
  }

  // --- the socket: says who it is, pings, comes back, believes every frame to be an object -----------------

  function listen(connected) {
    const socket = new WebSocket(SOCKET);
    socket.onopen = () => socket.send(JSON.stringify({ auth: { user_id: account.userId } }));
    setInterval(() => socket.send(JSON.stringify({ ping: true })), 30000);
    socket.onclose = () => setTimeout(() => listen(() => {}), 1000);
    socket.onmessage = (message) => {
      const said = JSON.parse(message.data);
      if (said.auth === true) { fire('connection'); connected(); }
      if (said.job_id && said.status) {
        fire('job.update', said.job_id, said.status);
        if (said.status === 'complete') fire(`job.done.${said.job_id}`);
      }
    };
  }

  function fire(name, ...values) {
    window.dispatchEvent(new CustomEvent(name, { detail: values }));
  }

  // --- jobs ------------------------------------------------------------------------------------------------

  class Output {
    constructor(refs) {
      this.parts = { ref: refs, type: 'image/png', tag: '', methods: [] };
      this.layers = [];
      this.filters = null;
      this.others = {};
    }

    tag(name) { this.parts.tag = name; return this; }
    url(where) { this.parts.url = where; return this; }
    layer(ref, options) { this.layers.push({ method: 'layer', options: { ref, ...options } }); return this; }
    resize(options) { return this.add('resize', options); }
    rotate(options) { return this.add('rotate', options); }
    crop(options) { return this.add('crop', options); }
    add(method, options) { this.others[method] = { ...this.others[method], ...options }; return this; }

    filter(name, value) {
      this.filters = typeof name === 'object' ? name : { ...this.filters, [name]: value };
      return this;
    }

    sent() {
      const filters = this.filters ? [{ method: 'filter', options: this.filters }] : [];
      const others = Object.entries(this.others).map(([method, options]) => ({ method, options }));
      return { ...this.parts, methods: [...this.layers, ...filters, ...others] };
    }
  }

  class Made {
    constructor(processed) { this.refs = Object.fromEntries(Object.entries(processed.output)); }
    getLocation(ref) { return this.refs[ref].location; }
    getSize(ref) { return this.refs[ref].info; }
    getWidth(ref) { return this.getSize(ref).width; }
    getHeight(ref) { return this.getSize(ref).height; }
    getBytes(ref) { return this.getSize(ref).bytes; }
  }

  class Request {
    constructor(inputs) { this.inputs = { ...inputs }; this.outputs = []; }
    load(name, input) { this.inputs[name] = input; return this; }
    getOutputByTagName(tag) { return this.outputs.find((one) => one.parts.tag === tag) || null; }
    output(refs) { this.outputs.push(new Output(refs)); return this.outputs[this.outputs.length - 1]; }

    async save() {
      const named = Object.entries(this.inputs).map(async ([name, input]) => [name, await read(input)]);
      const input = Object.fromEntries(await Promise.all(named));
      const { id } = await ask('POST', '/jobs', { input, output: this.outputs.map((one) => one.sent()) });
      await new Promise((resolve) => window.addEventListener(`job.done.${id}`, resolve, { once: true }));
      const { processed } = await ask('GET', `/jobs/${id}`);
      const made = Object.fromEntries(Object.keys(processed).map((tag) => [tag, new Made(processed[tag])]));
      return { getOutput: (tag) => made[tag] };
    }

    getInfo() { return this.all((output) => output); }
    upload() { return this.all((output) => output.url('6px')); }

    async all(chain) {
      chain(this.output(Object.fromEntries(Object.keys(this.inputs).map((name) => [name, false])))).tag('info');
      return (await this.save()).getOutput('info');
    }
  }

  function read(input) {
    if (typeof input === 'string') return input;
    if (input instanceof HTMLImageElement) return input.src;
    return new Promise((resolve) => {
      const reader = new FileReader();
      reader.onloadend = () => resolve(reader.result);
      reader.readAsDataURL(input.files[0]);
    });
  }

  // --- what a page calls -------------------------------------------------------------------------------------

  window.px = (inputs) => new Request(inputs);

  px.init = (given) => {
    account = given;
    return new Promise((resolve) => {
      ask('POST', '/auth').then(() => listen(resolve), () => fire('error', ''));
    });
  };

  px.on = (name, hear) => window.addEventListener(name, (event) => hear(event, ...event.detail));
})();
