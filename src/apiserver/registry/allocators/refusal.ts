import type { Service } from '../../../api/gen/core-v1.ts';
import type { StatusCause } from '../../../api/gen/meta-v1.ts';
import { invalid } from '../../../api/status.ts';

/** Throws what is wrong with a Service, if anything is. */
export function refuse(service: Service, causes: StatusCause[]): void {
  if (causes.length > 0) throw invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', causes);
}

export const invalidValue = (field: string, value: unknown, why: string): StatusCause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});
