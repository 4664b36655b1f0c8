// Reads a stream of events from the gateway. Unlike the browser's own reader it hears the beats in between, so that a
// gateway that stands still is noticed, and it knows why a stream did not begin.

// A quiet gateway says every 15 seconds that it lives; the rest is for the way.
const SILENCE_MS = 20_000;

export interface Hearing {
  onOpen: () => void;
  onEvent: (name: string, data: string) => void;
  /** It ended, fell silent or never began; with the status where there was an answer. */
  onEnd: (status?: number) => void;
}

/** Begins to read; what it gives ends that without a word. */
export function listen(url: string, hearing: Hearing): () => void {
  const stop = new AbortController();
  const silence = new Silence(stop);
  void read(url, hearing, stop.signal, silence)
    .catch(() => undefined)
    .then((status) => {
      silence.end();
      if (!silence.stopped) hearing.onEnd(status);
    });
  return () => {
    silence.stopped = true;
    stop.abort();
  };
}

/** Ends the reading once nothing was heard for too long. */
class Silence {
  stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly stop: AbortController) {
    this.broken();
  }

  broken() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.stop.abort(), SILENCE_MS);
  }

  end() {
    clearTimeout(this.timer);
  }
}

async function read(url: string, hearing: Hearing, signal: AbortSignal, silence: Silence) {
  const headers = { accept: "text/event-stream" };
  const { ok, status, body } = await fetch(url, { signal, headers, cache: "no-store" });
  if (!ok || !body) return status;
  silence.broken();
  hearing.onOpen();
  const take = events(hearing.onEvent);
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return status;
    silence.broken();
    take(decoder.decode(value, { stream: true }));
  }
}

/** Takes in pieces of a stream and gives each whole event. Comments (the beats) give none. */
export function events(hear: Hearing["onEvent"]): (piece: string) => void {
  let rest = "";
  let name = "message";
  let data: string[] = [];
  return (piece) => {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.map((l) => l.replace(/\r$/, ""))) {
      const [field, value = ""] = line.split(/: ?(.*)/s);
      if (field === "event") name = value;
      if (field === "data") data.push(value);
      if (line !== "") continue;
      if (data.length > 0) hear(name, data.join("\n"));
      name = "message";
      data = [];
    }
  };
}
