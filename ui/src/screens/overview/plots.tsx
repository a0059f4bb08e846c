// The charts themselves: a chunk of its own, which is loaded when there is something to draw.
import '@mantine/charts/styles.css';
import { BarChart, LineChart } from '@mantine/charts';

export type PlotSeries = { name: string; label: string; color: string };
export type PlotRow = { time: string } & Record<string, string | number | null>;

type Props = { kind: 'bars' | 'lines'; data: PlotRow[]; series: PlotSeries[]; print: (value: number) => string };

export default function Plot({ kind, data, series, print }: Props) {
  const shared = {
    h: '100%',
    data,
    dataKey: 'time',
    series,
    valueFormatter: print,
    gridAxis: 'x' as const,
    tickLine: 'none' as const,
    strokeDasharray: '3 4',
    xAxisProps: { minTickGap: 32, tickMargin: 8 },
    yAxisProps: { width: 56, tickMargin: 6, allowDecimals: kind === 'lines' },
    tooltipAnimationDuration: 0,
  };
  // a lone point would be no line
  const drawn = data.filter((row) => series.some(({ name }) => row[name] !== null)).length;
  // the chart is an image with words, and its table is for keys: no second way to walk through it
  if (kind === 'bars') {
    return (
      <BarChart
        {...shared}
        type="stacked"
        maxBarWidth={28}
        barChartProps={{ accessibilityLayer: false }}
        barProps={{ isAnimationActive: false }}
      />
    );
  }
  return (
    <LineChart
      {...shared}
      curveType="monotone"
      withDots={drawn <= 12}
      dotProps={{ r: 3 }}
      activeDotProps={{ r: 4 }}
      strokeWidth={2}
      connectNulls
      lineChartProps={{ accessibilityLayer: false }}
      lineProps={{ isAnimationActive: false }}
    />
  );
}
