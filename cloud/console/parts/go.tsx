/** A link inside the console that looks like a link. */
import { Anchor } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'wouter'

export function Go({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Anchor component={Link} href={to} inherit underline="always">
      {children}
    </Anchor>
  )
}
