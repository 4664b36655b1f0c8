// Cuts a stream of text into lines. What comes in may end anywhere, also within a line.

export class Lines {
  private pending: string[] = [];

  /** The lines that are whole now, without blank ones. */
  push(chunk: string): string[] {
    const end = chunk.lastIndexOf("\n");
    if (end < 0) {
      this.pending.push(chunk);
      return [];
    }
    const whole = this.pending.join("") + chunk.slice(0, end);
    this.pending = [chunk.slice(end + 1)];
    return whole.split("\n").filter((line) => line.trim() !== "");
  }

  /** What is left when the stream ends: a last line without its line feed. */
  end(): string[] {
    const rest = this.pending.join("");
    this.pending = [];
    return rest.trim() === "" ? [] : [rest];
  }
}
