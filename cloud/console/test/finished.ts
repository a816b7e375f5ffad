/** TEST fixture: the story played to its end, for pages that show a closed case, its session and its recording. */
import { Refused } from './contract.ts'
import { people } from './people.ts'
import { asset, minute, site } from './plant.ts'
import type { Story } from './story.ts'

function personOf(wanted: string) {
  const found = people.find(({ login }) => login === wanted)
  if (!found) throw new Refused(500, `There is no ${wanted}.`)
  return found
}

/** The machine was mended a minute ago, so that its recovery has held when it is asked for. */
export function finishStory(story: Story, now: number): void {
  const technician = personOf('technician')
  const { id } = story.request(technician, {
    ...{ caseId: 'cas_1', gateway: `${site}-gw`, target: `${asset}-hmi`, minutes: 30 },
    ...{ reason: 'Cooling efficiency is too low', rights: ['view', 'control'] },
  })
  story.moveSession(personOf('manager'), id, 'approve', 'Go ahead')
  story.moveSession(technician, id, 'open')
  story.press(technician.name, now - minute)
  story.moveSession(technician, id, 'end')
  story.detail(now)
  story.close(technician, {
    ...{ cause: 'The main cooler failed', action: 'Switched to the spare' },
    usefulness: 'useful',
  })
}
