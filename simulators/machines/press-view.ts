/** What the press's HMI shows, from its state and its sensors. */
import type { Value } from '../../protocol/model.ts'
import type { HmiView } from './hmi-page.ts'
import { type PressCommand, type PressState, refuse } from './press-state.ts'

/** Above this the operator should look at the oil, °C: 8 above what a healthy machine shows. */
const WARM_OIL = 44

export function formatPressView(
  name: string,
  state: PressState,
  read: (name: string) => Value,
): HmiView {
  const oil = Number(read('TS1'))
  const warm = oil > WARM_OIL ? 'warn' : 'ok'
  return {
    title: `Press ${name}`,
    status: state.coolerFault
      ? { level: 'fault', text: 'Cooler fault: the main cooler has tripped' }
      : oil > WARM_OIL
        ? { level: 'warn', text: 'Running, the oil is warm' }
        : { level: 'ok', text: 'Running' },
    tiles: [
      tile('Oil temperature', oil, { unit: '°C', level: warm, trend: true }),
      tile('Cooling power', Number(read('CP')), { unit: 'kW', digits: 2, trend: true }),
      tile('Cooling efficiency', Number(read('CE')), { unit: '%', trend: true }),
      tile('Main pressure', Number(read('PS1')), { unit: 'bar', trend: true }),
      tile('Flow', Number(read('FS1')), { unit: 'l/min', trend: true }),
      tile('Motor power', Number(read('EPS1')), { unit: 'W', digits: 0, trend: true }),
      tile('Vibration', Number(read('VS1')), { unit: 'mm/s', digits: 2 }),
      { label: 'Cooler in service', value: state.inService },
      { label: 'Load cycle', value: String(read('Cycle')) },
    ],
    buttons: [
      button(state, 'switch-to-spare', 'Switch to spare cooler'),
      button(state, 'switch-to-main', 'Switch to main cooler'),
      button(state, 'reset-fault', 'Reset fault'),
    ],
  }
}

function tile(
  label: string,
  value: number,
  options: { unit: string; digits?: number; level?: 'ok' | 'warn'; trend?: boolean },
): HmiView['tiles'][number] {
  const { unit, digits = 1, level, trend } = options
  return { label, value: value.toFixed(digits), unit, level, trend }
}

/** A command that is not possible stays pressable where its refusal teaches something. */
function button(
  state: PressState,
  action: PressCommand,
  label: string,
): HmiView['buttons'][number] {
  const reason = refuse(state, action)
  const isTeaching = action === 'reset-fault' && state.coolerFault
  return { action, label, isEnabled: reason === undefined || isTeaching, reason }
}
