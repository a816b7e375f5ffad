/** A table that scrolls inside itself on a narrow screen, by keyboard too, so that the page never does. */
import { Table } from '@mantine/core'
import type { ReactNode } from 'react'

interface WideTableProps {
  label: string
  minWidth: number
  heads: readonly string[]
  children: ReactNode
}

export function WideTable({ label, minWidth, heads, children }: WideTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the focus
    <section className="wide" aria-label={label} tabIndex={0}>
      <Table miw={minWidth}>
        <Table.Thead>
          <Table.Tr>
            {heads.map((head) => (
              <Table.Th key={head} scope="col">
                {head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </section>
  )
}
