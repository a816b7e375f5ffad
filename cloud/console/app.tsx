/** Which page a path shows, and the gate before all of them: who is logged in. */
import { Container } from '@mantine/core'
import { Redirect, Route, Switch, useLocation } from 'wouter'
import { AlarmsPage } from './alarms/alarms-page.tsx'
import { LiveProvider } from './api/live.tsx'
import { MeProvider } from './api/permission.tsx'
import { useMeQuery } from './api/queries.ts'
import { AssetPage } from './asset/asset-page.tsx'
import { AuditPage } from './audit/audit-page.tsx'
import { CasePage } from './case/case-page.tsx'
import { CasesPage } from './cases/cases-page.tsx'
import { FleetPage } from './fleet/fleet-page.tsx'
import { GatewayPage } from './gateway/gateway-page.tsx'
import { useWords } from './i18n/language.tsx'
import { LoginPage } from './login/login-page.tsx'
import { MaintenancePage } from './maintenance/maintenance-page.tsx'
import { ModelPage } from './model/model-page.tsx'
import { ModelsPage } from './models/models-page.tsx'
import { Nothing, Problem, Waiting } from './parts/answer.tsx'
import { Page } from './parts/page.tsx'
import { RecordingPage } from './recording/recording-page.tsx'
import { ScoreboardPage } from './scoreboard/scoreboard-page.tsx'
import { SessionPage } from './session/session-page.tsx'
import { SessionsPage } from './sessions/sessions-page.tsx'
import { LostBanner } from './shell/lost-banner.tsx'
import { Shell } from './shell/shell.tsx'
import { TrainingPage } from './training/training-page.tsx'
import { UploadPage } from './upload/upload-page.tsx'

export function App() {
  const me = useMeQuery()
  const [path] = useLocation()
  if (me.data === undefined) {
    return (
      <Container py="xl" component="main">
        <LostBanner />
        {me.error ? <Problem error={me.error} again={() => void me.refetch()} /> : <Waiting />}
      </Container>
    )
  }
  if (me.data === null) {
    return path === '/login' ? (
      <LoginPage />
    ) : (
      <Redirect to={`/login?back=${encodeURIComponent(path)}`} replace />
    )
  }
  return (
    <MeProvider me={me.data}>
      <LiveProvider>
        <Shell>
          <Pages />
        </Shell>
      </LiveProvider>
    </MeProvider>
  )
}

/** Only a path of this console: an absolute or protocol-relative address would lead out of it. */
function backFrom(search: string): string {
  const back = new URLSearchParams(search).get('back') ?? '/'
  return back.startsWith('/') && !back.startsWith('//') && !back.includes('\\') ? back : '/'
}

function Pages() {
  const { t } = useWords()
  return (
    <Switch>
      <Route path="/">
        <FleetPage />
      </Route>
      <Route path="/login">
        <Redirect to={backFrom(window.location.search)} replace />
      </Route>
      <Route path="/assets/:id">{({ id }) => <AssetPage key={id} id={id} />}</Route>
      <Route path="/assets/:id/models">{({ id }) => <ModelsPage key={id} asset={id} />}</Route>
      <Route path="/assets/:id/train">{({ id }) => <TrainingPage key={id} asset={id} />}</Route>
      <Route path="/assets/:id/upload">{({ id }) => <UploadPage key={id} asset={id} />}</Route>
      <Route path="/models">
        <ScoreboardPage />
      </Route>
      <Route path="/models/:id">{({ id }) => <ModelPage key={id} id={id} />}</Route>
      <Route path="/alarms">
        <AlarmsPage />
      </Route>
      <Route path="/cases">
        <CasesPage />
      </Route>
      <Route path="/cases/:id">{({ id }) => <CasePage key={id} id={id} />}</Route>
      <Route path="/sessions">
        <SessionsPage />
      </Route>
      <Route path="/sessions/:id">{({ id }) => <SessionPage key={id} id={id} />}</Route>
      <Route path="/sessions/:id/recording">{({ id }) => <RecordingPage key={id} id={id} />}</Route>
      <Route path="/gateways/:site/:gateway">
        {({ site, gateway }) => <GatewayPage key={`${site}/${gateway}`} of={{ site, gateway }} />}
      </Route>
      <Route path="/maintenance">
        <MaintenancePage />
      </Route>
      <Route path="/audit">
        <AuditPage />
      </Route>
      <Route>
        <Page title={t('missing.title')}>
          <Nothing>{t('missing.text')}</Nothing>
        </Page>
      </Route>
    </Switch>
  )
}
