/** What CAs are shown at the moment: one answer for each name that is being ordered. */
import type { CertificateSpec, ChallengeAnswers } from '../model/tls.ts'

export type ChallengeAnswer =
  | { readonly token: string; readonly text: string }
  | { readonly certificate: CertificateSpec }

export class Challenges {
  private readonly live = new Set<ChallengeAnswer>()
  private readonly changed: (answers: ChallengeAnswers) => Promise<void>

  /** `changed` resolves when everybody who may be asked knows. */
  constructor(changed: (answers: ChallengeAnswers) => Promise<void>) {
    this.changed = changed
  }

  get answers(): ChallengeAnswers {
    const all = [...this.live]
    return {
      tokens: Object.fromEntries(all.flatMap((one) => ('token' in one ? [[one.token, one.text]] : []))),
      certificates: all.flatMap((one) => ('certificate' in one ? [one.certificate] : [])),
    }
  }

  /** Shows it for as long as `asked` takes. */
  async during<T>(answer: ChallengeAnswer, asked: () => Promise<T>): Promise<T> {
    this.live.add(answer)
    try {
      await this.changed(this.answers)
      return await asked()
    } finally {
      this.live.delete(answer)
      await this.changed(this.answers)
    }
  }
}
