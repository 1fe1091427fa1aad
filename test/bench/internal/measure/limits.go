package measure

import (
	"context"
	"fmt"

	"github.com/tianjillm/tianjillm/test/bench/internal/lab"
	"github.com/tianjillm/tianjillm/test/bench/internal/payload"
)

// LimitsGoal is the most that limits may cost, in times of the same call
// without.
const LimitsGoal = 1.05

// Limits is what the data plane spends on the same call with a key under limits
// and with one of the same owners, all without.
type Limits struct{ With, Without Series }

// limits measures both keys in turn within each round.
func (r *runner) limits(ctx context.Context) error {
	if !r.wants(LimitsName) {
		return nil
	}
	for _, t := range r.targets {
		if t.Name == lab.DataPlaneName {
			return r.limitsOf(ctx, t)
		}
	}
	return nil
}

func (r *runner) limitsOf(ctx context.Context, t *lab.Target) error {
	var keys [2]string // without and with limits
	for i := range keys {
		key, err := r.install.GenerateOwnedKey(ctx, i == 1)
		if err != nil {
			return err
		}
		if _, err := r.serves(ctx, t, key); err != nil {
			return err
		}
		keys[i] = key
	}
	out := &Limits{With: Series{Target: "with"}, Without: Series{Target: "without"}}
	scenario := Load{Name: LimitsName, Kind: payload.Kind{PromptBytes: smallBody}}
	for round := range r.opts.Rounds {
		turns := []struct {
			key string
			s   *Series
		}{{keys[1], &out.With}, {keys[0], &out.Without}}
		for i := range turns {
			turn := turns[(i+round)%len(turns)]
			result, err := r.saturate(ctx, scenario, t, turn.s, turn.key)
			if err != nil {
				return fmt.Errorf("%s: %w", LimitsName, err)
			}
			turn.s.add(&result)
			r.say("%-19s round %d  %-13s %7.1f us CPU  %8.0f calls/s", scenario.Name, round+1, turn.s.Target, micros(result.PerRequest()), result.Rate())
		}
	}
	r.results.Limits = out
	return r.profile(ctx, scenario, keys[1])
}
