/** Something that INVARIANTS.md forbids and a history shows. */
export interface Violation {
  readonly invariant: number;
  readonly kind: 'lost' | 'duplicated' | 'reordered' | 'invented' | 'altered' | 'miscounted' | 'torn' | 'stuck';
  readonly text: string;
}
export type Report = (violation: Violation) => void;
