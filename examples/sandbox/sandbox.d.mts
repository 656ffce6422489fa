// The types of sandbox.mjs, for TypeScript.
export interface Request {
  number: number;
  at: string;
  method: string;
  path: string;
  status: number;
}

export interface Sandbox {
  readonly endpoint: string;
  readonly campaign: string;
  readonly key: string;
  message(state: string): string;
  make(state: string): Promise<string>;
  contract(name: string): Promise<unknown>;
  moveTo(instant: string): Promise<unknown>;
  forward(seconds: number): Promise<unknown>;
  faults(...names: string[]): Promise<unknown>;
  reset(): Promise<unknown>;
  requests(): Promise<Request[]>;
  stop(): Promise<void>;
}

export function start(...options: string[]): Promise<Sandbox>;
export function fromEnvironment(): Sandbox;
