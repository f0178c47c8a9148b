/**
 * Judging beside the page: a worker made of the page's own script, so that nothing is loaded and a large file freezes
 * nothing. Where a browser makes no workers for a file: address, the page judges by itself.
 */

import { type Given, type Judgement, judge } from "../judge";
import { sentence } from "../verdict";

/** Files as the browser has them, by path; roots in PEM or DER. */
export interface Task {
  readonly files: readonly { readonly path: string; readonly file: File }[];
  readonly trust: readonly Uint8Array[];
  readonly at: Date;
}

interface Scope {
  onmessage: ((event: MessageEvent<Task>) => void) | null;
  postMessage(answer: Judgement): void;
}

/** What the worker does: one task, one answer. */
export function serve(): void {
  const scope = globalThis as unknown as Scope;
  scope.onmessage = async (event) => scope.postMessage(await perform(event.data));
}

/** The judgement of *task*; a new call ends the one before, whose answer nobody waits for any more. */
export class Judging {
  private worker: Worker | null = null;
  private round = 0;

  constructor(private readonly script: string) {}

  /** Null where another task came in the meantime. */
  async judge(task: Task): Promise<Judgement | null> {
    this.round += 1;
    const own = this.round;
    this.worker?.terminate();
    this.worker = null;
    const found = (await this.beside(task)) ?? (own === this.round ? await perform(task) : null);
    return own === this.round ? found : null;
  }

  private beside(task: Task): Promise<Judgement | null> {
    return new Promise((resolve) => {
      const address = URL.createObjectURL(new Blob([this.script], { type: "text/javascript" }));
      try {
        const worker = new Worker(address);
        this.worker = worker;
        worker.onmessage = (event: MessageEvent<Judgement>) => {
          worker.terminate();
          resolve(event.data);
        };
        worker.onerror = (event) => {
          event.preventDefault();
          worker.terminate();
          resolve(null);
        };
        worker.postMessage(task);
      } catch {
        resolve(null);
      } finally {
        setTimeout(() => URL.revokeObjectURL(address), 60_000);
      }
    });
  }
}

async function perform(task: Task): Promise<Judgement> {
  if (globalThis.crypto?.subtle === undefined) return { kind: "none", said: sentence(INSECURE) };
  try {
    const given: Given[] = [];
    for (const { path, file } of task.files) given.push({ path, octets: new Uint8Array(await file.arrayBuffer()) });
    return await judge(given, task.trust, task.at);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { kind: "none", said: sentence("This file could not be judged here ({detail}).", { detail }) };
  }
}

const INSECURE =
  "This browser computes no signatures on this page: open it by https, or save it and open it as a file, in a current Chrome, Edge, Firefox or Safari.";
