/** With how many workers, and in how much memory, the target builds an index. Pure. */

export interface BuildSettings {
  /** As `pg_settings` has it. */
  readonly [name: string]: string;
}

const LEAST_KB_EACH = 32 * 1024;

/** As the server decides it (`plan_create_index_workers`): by the size of the table, and no more than memory allows. */
export function workersFor(pages: number, settings: BuildSettings, chosen: number | null): number {
  const most = Math.min(
    numberOf(settings.max_parallel_maintenance_workers, 2),
    numberOf(settings.max_parallel_workers, 8),
  );
  if (chosen !== null) return Math.min(chosen, most);
  let threshold = Math.max(1, numberOf(settings.min_parallel_table_scan_size, 1024));
  if (pages < threshold) return 0;
  let workers = 1;
  for (; pages >= threshold * 3; threshold *= 3) workers++;
  workers = Math.min(workers, most);
  const memoryKb = numberOf(settings.maintenance_work_mem, 65_536);
  while (workers > 0 && memoryKb / (workers + 1) < LEAST_KB_EACH) workers--;
  return workers;
}

/** For a part of the rows the same part of the memory: what is sorted on disk there is sorted on disk here. */
export function memoryKbFor(part: number, settings: BuildSettings): number {
  const whole = numberOf(settings.maintenance_work_mem, 65_536);
  return Math.max(1024, Math.round(whole * Math.min(1, part)));
}

function numberOf(value: string | undefined, normal: number): number {
  const number = Number(value ?? normal);
  return Number.isFinite(number) ? number : normal;
}
