/** The story: what a shop wants from a gateway and a webhook platform, step by step, every step checked. */
import { systemCode } from '../failure.ts'
import { cartStep, profileStep } from './story-app.ts'
import { outageStep, partnerStep } from './story-partner.ts'
import { githubStep, importStep, stripeStep } from './story-inbound.ts'
import { type Stage, type Step, StepMissed } from './stage.ts'

const STEPS: readonly Step[] = [profileStep, partnerStep, cartStep, stripeStep, githubStep, outageStep, importStep]

/** Resolves to null when every step happened, else to which did not and what was expected of it. */
export async function playStory(stage: Stage): Promise<string | null> {
  for (const step of STEPS) {
    try {
      await step.play(stage)
    } catch (error) {
      return `the step “${step.name}” did not happen; ${reasonOf(error)}`
    }
  }
  return null
}

function reasonOf(error: unknown): string {
  if (error instanceof StepMissed) return `expected: ${error.message}`
  const code = systemCode(error)
  return code === undefined ? String(error) : `${String(error)} (${code})`
}
