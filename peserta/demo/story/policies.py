"""The policies of the story, as the YAML text that an operator would write."""

from typing import Final

POLICIES_YAML: Final = """\
# Made up for the demonstration. Meeting a policy is not the same as obeying the law, which asks for all workers.
- policy_id: floor-60
  title: At least 60 per cent of the workers covered
  rule: level
  threshold_bp: 6000
  hysteresis_bp: 200
  hold_days: 14
  min_active: 20
  effective_from: 2024-11-01

- policy_id: jmo-30
  title: At least 30 per cent of the workers with an active JMO account
  rule: level
  threshold_bp: 3000
  required: [JMO]
  effective_from: 2025-06-01

- policy_id: pact-20pp
  title: Footwear pact, 20 percentage points more than on 11 September 2025
  rule: increment_pp
  threshold_bp: 2000
  clock: due
  hold_days: 7
  min_active: 20
  scope:
    kbli_prefixes: ["152"]
  effective_from: 2025-10-01
  baseline_on: 2025-09-11
"""
