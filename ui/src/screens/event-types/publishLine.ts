// The line of SQL that publishes an event, to be copied into psql.
export function publishLine(tenant: string, event: string, payload: string | null): string {
  const quoted = (payload ?? '{"total": 42}').replaceAll("'", "''");
  return `SELECT posthorn.publish('${tenant}', '${event}', '${quoted}');`;
}
