/** All cases: open ones first, each a line to its page. */
import { Table } from '@mantine/core'
import { useState } from 'react'
import type { Scope } from '../api/client.ts'
import { useCases } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { sayMessage } from '../i18n/said.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Go } from '../parts/go.tsx'
import { Mark } from '../parts/mark.tsx'
import { Page } from '../parts/page.tsx'
import { ScopeChoice } from '../parts/scope-choice.tsx'
import { CaseMark } from '../parts/state-marks.tsx'
import { When } from '../parts/when.tsx'
import { WideTable } from '../parts/wide-table.tsx'

export function CasesPage() {
  const { t } = useWords()
  const [scope, setScope] = useState<Scope>('open')
  const cases = useCases(scope)
  return (
    <Page title={t('cases.title')} side={<ScopeChoice value={scope} onChange={setScope} />}>
      <Answer query={cases}>
        {({ cases: list }) =>
          list.length === 0 ? (
            <Nothing>{t(scope === 'open' ? 'cases.none-open' : 'cases.none')}</Nothing>
          ) : (
            <WideTable
              label={t('cases.title')}
              minWidth={680}
              heads={[
                t('case'),
                t('asset.title'),
                t('state'),
                t('case.opened'),
                t('case.verified'),
              ]}
            >
              {list.map((one) => (
                <Table.Tr key={one.id}>
                  <Table.Th scope="row">
                    <Go to={`/cases/${one.id}`}>{sayMessage(one.title, t)}</Go>
                  </Table.Th>
                  <Table.Td>
                    <Go to={`/assets/${encodeURIComponent(one.asset)}`}>{one.assetName}</Go>
                  </Table.Td>
                  <Table.Td>
                    <CaseMark state={one.state} />
                  </Table.Td>
                  <Table.Td>
                    <When at={one.openedAt} site={one.site} />
                  </Table.Td>
                  <Table.Td>
                    {one.verifiedAt === null ? (
                      '—'
                    ) : (
                      <Mark tone="good">
                        <When at={one.verifiedAt} site={one.site} />
                      </Mark>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </WideTable>
          )
        }
      </Answer>
    </Page>
  )
}
