/** A button that stays reachable when it may not be pressed, and then says why. */
import { Button, type ButtonProps, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'

interface ActButtonProps extends ButtonProps {
  /** The reason it is greyed; null when it may be pressed. */
  why: string | null
  children: ReactNode
  onClick?: () => void
  type?: 'button' | 'submit'
}

export function ActButton({ why, onClick, children, type = 'button', ...look }: ActButtonProps) {
  const denied = why !== null
  const button = (
    <Button
      {...look}
      type={denied ? 'button' : type}
      aria-disabled={denied || undefined}
      data-disabled={denied || undefined}
      aria-description={why ?? undefined}
      onClick={denied ? (event) => event.preventDefault() : onClick}
    >
      {children}
    </Button>
  )
  return denied ? <Tooltip label={why}>{button}</Tooltip> : button
}
