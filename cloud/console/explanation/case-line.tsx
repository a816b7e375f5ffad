/** Which closed case taught something: with its link for those who may open it, else only that there was one elsewhere. */
import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { SimilarCase } from '../../../protocol/api-explanation.ts'
import { useWords } from '../i18n/language.tsx'
import { sayMessage } from '../i18n/said.ts'
import { Go } from '../parts/go.tsx'
import { When } from '../parts/when.tsx'

interface CaseLineProps {
  found: SimilarCase['case']
  site: string
  children?: ReactNode
}

export function CaseLine({ found, site, children }: CaseLineProps) {
  const { t } = useWords()
  return (
    <Text size="xs" c="dimmed" component="div" className="times">
      {found ? (
        <>
          <Go to={`/cases/${found.id}`}>{sayMessage(found.title, t)}</Go>
          <span>{found.assetName}</span>
          <When at={found.closedAt} site={site} style="date" />
        </>
      ) : (
        <span>{t('why.elsewhere')}</span>
      )}
      {children}
    </Text>
  )
}
