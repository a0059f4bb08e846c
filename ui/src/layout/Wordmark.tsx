// The product's name with a post horn: one coil and a bell.
import classes from './layout.module.css';

export function Horn({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" className={classes.horn}>
      <g fill="none" strokeLinecap="round" strokeLinejoin="round">
        <path d="M3.5 20.5h15a6 6 0 1 0-6-6c0 3.3 2.700 6 6 6h2" stroke="currentColor" strokeWidth="2.600" />
        <path
          d="M20.500 18.700c3 0 5.300-1 7.500-3.200v10c-2.200-2.200-4.500-3.200-7.500-3.200z"
          className={classes.bell}
        />
        <path d="M3.500 18.600v3.800" stroke="currentColor" strokeWidth="2.600" />
      </g>
    </svg>
  );
}

export function Wordmark({ size }: { size?: number }) {
  return (
    <span className={classes.wordmark}>
      <Horn size={size} />
      <span>Posthorn</span>
    </span>
  );
}
