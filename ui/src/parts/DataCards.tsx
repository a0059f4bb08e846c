// The rows of a DataTable as cards, for narrow screens.
import { Group, Skeleton, Stack } from '@mantine/core';
import { type DataTableProps, Opener, titleColumn } from './DataTable';
import classes from './parts.module.css';

export function DataCards<Row>({ label, columns, rows, rowKey, onOpen }: DataTableProps<Row>) {
  const title = titleColumn(columns);
  const corner = columns.filter(({ card }) => card === 'corner');
  const lines = columns.filter((column) => column !== title && (column.card ?? 'line') === 'line');
  if (rows === undefined) {
    return (
      <Stack p="md" gap="lg" aria-busy>
        {['a', 'b', 'c', 'd'].map((key) => (
          <Stack key={key} gap="xs">
            <Skeleton height={14} width="60%" />
            <Skeleton height={11} width="85%" />
          </Stack>
        ))}
      </Stack>
    );
  }
  return (
    <ul className={classes.cards} aria-label={label}>
      {rows.map((row) => (
        <li key={rowKey(row)} className={classes.card}>
          <Group justify="space-between" align="flex-start" wrap="nowrap" gap="sm">
            <div className={classes.cardTitle}>
              {onOpen ? <Opener open={() => onOpen(row)}>{title?.render(row)}</Opener> : title?.render(row)}
            </div>
            {corner.map(({ key, render }) => (
              <div key={key}>{render(row)}</div>
            ))}
          </Group>
          {lines.length > 0 && (
            <dl className={classes.pairs}>
              {lines.map(({ key, header, render }) => (
                <Pair key={key} name={header}>
                  {render(row)}
                </Pair>
              ))}
            </dl>
          )}
        </li>
      ))}
    </ul>
  );
}

function Pair({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
