package batch

import (
	"errors"
	"net/http"
	"time"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// retry is when a client may come back where nobody knows better.
const retry = 5 * time.Second

// Public is what the client is told of an error: 400 for what is wrong with the
// batch, 502 and 503 for what is not its fault.
func Public(err error, file string) *apierr.Error {
	if bad, ok := errors.AsType[*Error](err); ok {
		if bad.TooLarge {
			return apierr.BadRequest("The batch is too large: %s", bad.Error()).Because(bad.cause)
		}
		return apierr.BadRequest("The batch can not be read: %s", bad.Error()).Because(bad.cause)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return apierr.BadRequest("Batch input file not found: %.128s", file)
	case errors.Is(err, ErrBusy), errors.Is(err, ErrSlow), unavailable(err):
		return apierr.Unavailable(apierr.TypeUnavailable, "Service Unavailable, the batch input file could not be read in time. Please retry shortly.", retry).Because(err)
	}
	return apierr.New(http.StatusBadGateway, apierr.TypeUnavailable, "The batch input file could not be read from the provider, so the batch was not submitted.").Because(err)
}

// unavailable reports whether the vendor says that it will pass.
func unavailable(err error) bool {
	s, ok := errors.AsType[*StatusError](err)
	return ok && (s.Status == http.StatusTooManyRequests || s.Status == http.StatusServiceUnavailable)
}
