/**
 * The modules of a source, loaded and called in a process of their own. The process starts when the first module needs
 * it.
 */
import { namesSecret } from "../../core/sql/about-secrets.ts";
import type { Host, HostOptions } from "../../host/host.ts";
import type { Declared, Direction, ModuleFile } from "../../host/protocol.ts";
import type { Content } from "../source.ts";
import { READER } from "./trace.ts";

export type ModulesOptions = HostOptions;

export interface Modules {
  /** Returns what a module declares. Throws `SourceError`. */
  readonly load: (module: ModuleFile) => Promise<Declared>;
  readonly content: (module: ModuleFile, direction: Direction) => Content;
  /** Starts the process early, because it will be needed. */
  readonly warm: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export function openModules(options: ModulesOptions): Modules {
  let opening: Promise<Host> | undefined;
  const host = () => {
    // A project with only SQL files does not load it.
    opening ??= import("../../host/host.ts").then(({ Host }) => new Host({ ...options, reader: READER }));
    return opening;
  };
  return {
    load: async (module) => (await host()).load(module),
    content: (module, direction) => ({
      kind: "module",
      file: module.file,
      namesSecret: namesSecret(module.text),
      call: async (call) => (await host()).run(module, direction, call),
      record: async (call) => (await host()).record(module, direction, call),
    }),
    warm: async () => (await host()).warm(),
    close: async () => (await opening)?.close(),
  };
}
