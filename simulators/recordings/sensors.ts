/** The 17 sensors of the recorded hydraulic rig: columns of every excerpt, in order, with unit and range. */

export interface Sensor {
  name: string
  unit: string
  /** What the instrument can show; wide enough for every recorded value. */
  range: readonly [low: number, high: number]
  description: string
}

export const sensors: readonly Sensor[] = [
  { name: 'PS1', unit: 'bar', range: [0, 250], description: 'Pressure after the main pump' },
  { name: 'PS2', unit: 'bar', range: [0, 250], description: 'Pressure before the valve' },
  { name: 'PS3', unit: 'bar', range: [0, 50], description: 'Pressure after the valve' },
  { name: 'PS4', unit: 'bar', range: [0, 50], description: 'Pressure of the return line' },
  { name: 'PS5', unit: 'bar', range: [0, 25], description: 'Pressure before the cooler' },
  { name: 'PS6', unit: 'bar', range: [0, 25], description: 'Pressure after the cooler' },
  { name: 'EPS1', unit: 'W', range: [0, 4000], description: 'Power of the pump motor' },
  { name: 'FS1', unit: 'l/min', range: [0, 30], description: 'Flow of the working circuit' },
  { name: 'FS2', unit: 'l/min', range: [0, 30], description: 'Flow of the cooling circuit' },
  { name: 'TS1', unit: '°C', range: [0, 100], description: 'Oil temperature 1' },
  { name: 'TS2', unit: '°C', range: [0, 100], description: 'Oil temperature 2' },
  { name: 'TS3', unit: '°C', range: [0, 100], description: 'Oil temperature 3' },
  { name: 'TS4', unit: '°C', range: [0, 100], description: 'Oil temperature 4' },
  { name: 'VS1', unit: 'mm/s', range: [0, 5], description: 'Vibration of the pump' },
  { name: 'CE', unit: '%', range: [0, 100], description: 'Cooling efficiency (virtual sensor)' },
  { name: 'CP', unit: 'kW', range: [0, 5], description: 'Cooling power (virtual sensor)' },
  { name: 'SE', unit: '%', range: [0, 100], description: 'Efficiency factor' },
]

export const sensorNames: readonly string[] = sensors.map((sensor) => sensor.name)
