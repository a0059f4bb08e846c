// Headers by name.
import { ForeignText } from '../../parts/ForeignText';
import classes from '../../parts/live.module.css';

export function HeaderTable({
  label,
  headers,
}: {
  label: string;
  headers: readonly { name: string; value: string }[];
}) {
  return (
    <table className={classes.headers} aria-label={label}>
      <tbody>
        {headers.map(({ name, value }, at) => (
          // a name may come twice
          <tr key={at}>
            <th scope="row">
              <ForeignText text={name} />
            </th>
            <td>
              <ForeignText text={value} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
