/** What the chiller's HMI shows. */
import {
  type ChillerCommand,
  type ChillerState,
  chillerCommands,
  refuseChiller,
} from './chiller-model.ts'
import type { HmiView } from './hmi-page.ts'

/** So many K above the setpoint the water is too warm for the consumers. */
const WARM = 1.5

const labels = {
  'setpoint-up': 'Setpoint +0.5 °C',
  'setpoint-down': 'Setpoint −0.5 °C',
  start: 'Start',
  stop: 'Stop',
  reset: 'Reset fault',
} as const satisfies Record<ChillerCommand, string>

export function formatChillerView(name: string, state: ChillerState): HmiView {
  const isWarm = state.supply > state.setpoint + WARM
  return {
    title: `Chiller ${name}`,
    status: state.hasTripped
      ? { level: 'fault', text: 'Compressor tripped' }
      : !state.isRunning
        ? { level: 'warn', text: 'Stopped' }
        : isWarm
          ? { level: 'warn', text: 'Running, the water is too warm' }
          : { level: 'ok', text: 'Running' },
    tiles: [
      {
        label: 'Supply temperature',
        value: state.supply.toFixed(1),
        unit: '°C',
        level: isWarm ? 'warn' : 'ok',
        trend: true,
      },
      { label: 'Return temperature', value: state.return.toFixed(1), unit: '°C', trend: true },
      { label: 'Setpoint', value: state.setpoint.toFixed(1), unit: '°C' },
      { label: 'Pump speed', value: String(state.pumpSpeed), unit: 'rpm', trend: true },
      { label: 'Energy', value: (state.energy / 1000).toFixed(2), unit: 'kWh' },
    ],
    buttons: chillerCommands.map((action) => {
      const reason = refuseChiller(state, action)
      return { action, label: labels[action], isEnabled: reason === undefined, reason }
    }),
  }
}
