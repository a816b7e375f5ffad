/** How the rows of a group travel: the declared forms of all its tags side by side, as long as the declarations stand. */
import type { DeviceId, TagId } from '../../protocol/model.ts'
import {
  createFormColumns,
  type FormColumns,
  type WireForm,
} from '../../protocol/sparkplug/wire-form.ts'
import type { RowTags } from '../readings.ts'

export interface RowForms {
  device: DeviceId
  columns: FormColumns
}

export interface RowFormsBook {
  /** Undefined while any of the tags is not declared. */
  of(row: RowTags): RowForms | undefined
  /** The declarations have changed. */
  forget(): void
}

/** What is asked of a declared metric. */
interface Declared {
  device: DeviceId
  form: WireForm
}

export function createRowForms(known: (tag: TagId) => Declared | undefined): RowFormsBook {
  let made = new WeakMap<RowTags, RowForms>()
  const make = ({ tags }: RowTags): RowForms | undefined => {
    const found = tags.map(known).filter((one) => one !== undefined)
    const device = found[0]?.device
    const isWhole = found.length === tags.length && found.every((one) => one.device === device)
    if (device === undefined || !isWhole) return undefined
    return { device, columns: createFormColumns(found.map(({ form }) => form)) }
  }
  return {
    of(row) {
      const ready = made.get(row) ?? make(row)
      if (ready) made.set(row, ready)
      return ready
    },
    forget() {
      made = new WeakMap()
    },
  }
}
