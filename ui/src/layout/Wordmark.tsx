// The product's name with a post horn: one coil and a bell.
import classes from './layout.module.css';

export function Horn({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" className={classes.horn}>
      <g fill="none" strokeLinecap="round" strokeLinejoin="round">
        <circle cx="13" cy="13.5" r="7" stroke="currentColor" strokeWidth="2.6" />
        <path d="M3 18v5M3 20.5h18" stroke="currentColor" strokeWidth="2.6" />
        <path d="M20 20.5c4.2 0 6.8-1.6 9-4.8v9.6c-2.2-3.2-4.8-4.8-9-4.8z" className={classes.bell} />
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
