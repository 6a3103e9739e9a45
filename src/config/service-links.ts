/**
 * Kubernetes tells every container of each service beside it, in variables with the service's name. One that is called
 * godwit, or godwit-health, is told under names that look like ours.
 */
const NAMES =
  /^GODWIT_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;
const ADDRESS = /^(?:tcp|udp|sctp):\/\//;

export function isServiceLink(name: string, value: string): boolean {
  return NAMES.test(name) || (/^GODWIT_(?:\w+_)?PORT$/.test(name) && ADDRESS.test(value));
}
