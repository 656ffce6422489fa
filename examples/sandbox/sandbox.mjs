// The sandbox in a test, in Node 18 or newer. Copy this file, and sandbox.d.mts for TypeScript. It
// needs nothing but Node and the command `retry-contract`, or another one that the variable
// RETRY_CONTRACT holds: a path, or "uv run --project FOLDER retry-contract".
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Uses the sandbox that the environment names, as under `retry-contract sandbox --run`. */
export function fromEnvironment() {
  if (process.env.RETRY_CONTRACT_SANDBOX) return new Sandbox(process.env);
  throw new Error("RETRY_CONTRACT_SANDBOX is not set: see `sandbox --run`");
}

/** Starts one with these options of `retry-contract sandbox`, and waits until it is ready. */
export async function start(...options) {
  const file = join(tmpdir(), `${randomUUID()}.env`);
  const [program, ...words] = (process.env.RETRY_CONTRACT ?? "retry-contract").split(/ +/);
  // `sort` ends with its input, and the sandbox with it: however this process ends.
  words.push("sandbox", "--port", "0", "--run", "sort", "--env-file", file, ...options);
  const child = spawn(program, words, { stdio: ["pipe", "ignore", "pipe"] });
  const ended = new Promise((resolve) => child.on("error", resolve).on("close", resolve));
  let said = "";
  child.stderr.on("data", (text) => (said += text));
  for (const handle of [child, child.stdin, child.stderr]) handle.unref();
  for (let waited = 0; !existsSync(file); waited += 20) {
    const why = await Promise.race([ended, sleep(20, "waiting")]);
    if (why instanceof Error) throw why; // there is no such command
    if (why !== "waiting") throw new Error(`${program} ended before it was ready. ${said.trim()}`);
    if (waited > 30_000) { child.stdin.end(); throw new Error(`${program}: not ready after 30 s`); }
  }
  const lines = readFileSync(file, "utf8").trim().split(/\r?\n/);
  return new Sandbox(Object.fromEntries(lines.map((line) => line.split("="))), child, ended);
}

class Sandbox {
  constructor(environment, child, ended) {
    Object.assign(this, { environment, child, ended });
    this.endpoint = environment.RETRY_CONTRACT_ENDPOINT;
    this.campaign = environment.RETRY_CONTRACT_CAMPAIGN;
    this.key = environment.POSTMAN_API_KEY;
  }

  /** Returns the message of its start in a state: "failure", "sent", "attempts-spent" … */
  message(state) {
    const name = `RETRY_CONTRACT_MESSAGE_${state.toUpperCase().replace(/\W/g, "_")}`;
    if (!this.environment[name]) throw new Error(`no message in the state ${state}: no ${name}`);
    return this.environment[name];
  }

  /** Makes another message in a state, and returns its id. */
  make = async (state) => (await this.#control("POST", "/messages", { state })).messages[0];
  contract = (name) => this.#control("PUT", "/contract", { contract: name });
  moveTo = (instant) => this.#control("PUT", "/clock", { at: instant });
  forward = (seconds) => this.#control("PUT", "/clock", { forward: seconds });
  faults = (...names) => this.#control("PUT", "/faults", { faults: names });
  reset = () => this.#control("POST", "/reset");
  requests = async () => (await this.#control("GET", "/requests")).requests;

  async #control(method, path, wanted) {
    const url = this.environment.RETRY_CONTRACT_SANDBOX + path;
    const response = await fetch(url, { method, body: wanted && JSON.stringify(wanted) });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${answer.error}`);
    return answer;
  }

  async stop() {
    if (!this.child) return;
    this.child.ref();
    this.child.stdin.end();
    await Promise.race([this.ended, sleep(5000, undefined, { ref: false })]);
    this.child.kill("SIGKILL");
  }
}
