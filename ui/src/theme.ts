// Colours, type and spacing of the page. Text keeps a contrast of 4.5:1 and more in both schemes.
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

const ink: MantineColorsTuple = [
  '#eef0fe',
  '#dde1fa',
  '#bac2f2',
  '#98a3ec',
  '#7a87e6',
  '#6471e2',
  '#5360d6',
  '#4450bf',
  '#3a45a8',
  '#2c3585',
];

const dark: MantineColorsTuple = [
  '#dfe2ea',
  '#b9bfcc',
  '#969dad',
  '#6b7385',
  '#3a404e',
  '#2b303b',
  '#22262f',
  '#16191f',
  '#111318',
  '#0c0e12',
];

// The list itself scrolls: it is the field's own popup, while Mantine's frame around it is a region that no key reaches.
const scrollingList = { withScrollArea: false, styles: { options: { maxHeight: 240, overflowY: 'auto' } } } as const;

export const theme = createTheme({
  colors: { ink, dark },
  primaryColor: 'ink',
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: 'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  radius: { xs: '3px', sm: '5px', md: '8px', lg: '12px', xl: '20px' },
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.35' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.4' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.45' },
    },
  },
  components: {
    Portal: { defaultProps: { target: '#overlays' } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250, events: { hover: true, focus: true, touch: true } } },
    // its placeholder is no child that role=menu may have
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.4 } } },
    Drawer: { defaultProps: { position: 'right', overlayProps: { backgroundOpacity: 0.35 } } },
    Select: { defaultProps: scrollingList },
    MultiSelect: { defaultProps: scrollingList },
    Autocomplete: { defaultProps: scrollingList },
    TagsInput: { defaultProps: scrollingList },
    // in their own colour, titles of yellow ones lack contrast
    Alert: { styles: { title: { color: 'var(--mantine-color-text)' } } },
    Paper: { defaultProps: { withBorder: true, radius: 'lg' } },
  },
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-text': '#1b1f2a',
    '--mantine-color-dimmed': '#5a6274',
    '--mantine-color-placeholder': '#6c7486',
    '--mantine-color-default-border': '#dcdfe6',
    '--mantine-color-error': '#c2212e',
    '--mantine-color-red-light': '#fdebec',
    '--mantine-color-yellow-light': '#fdf4de',
    '--mantine-color-yellow-light-color': '#7a4a00',
    '--mantine-color-orange-light-color': '#8a3b00',
    '--mantine-color-green-light-color': '#14683a',
    '--mantine-color-teal-light-color': '#08624a',
    '--mantine-color-red-light-color': '#a51c28',
    '--posthorn-sidebar': '#f7f8fa',
    '--posthorn-line': '#e7e9ee',
    '--posthorn-raised': '#ffffff',
    '--posthorn-sunken': '#f7f8fa',
    '--posthorn-hover': '#f2f3f7',
    '--posthorn-brass': '#b87100',
  },
  dark: {
    '--mantine-color-red-light': '#3a181b',
    '--mantine-color-yellow-light': '#33270f',
    '--mantine-color-dimmed': '#9ba2b2',
    '--mantine-color-placeholder': '#858d9f',
    '--mantine-color-default-border': '#343a47',
    '--mantine-color-error': '#ff8f92',
    '--posthorn-sidebar': '#111318',
    '--posthorn-line': '#262b35',
    '--posthorn-raised': '#1b1e25',
    '--posthorn-sunken': '#111318',
    '--posthorn-hover': '#20242d',
    '--posthorn-brass': '#ffc46b',
  },
});
