package jwtauth

import (
	"context"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tianjillm/tianjillm/shared/apierr"
)

// refuse is the answer to a token that is not valid. It never repeats it.
func refuse(why string) *apierr.Error { return apierr.Auth("Validation fails: " + why) }

// public turns what went wrong with a token into an answer.
func public(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errAway):
		return Away(err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errNoKey):
		return refuse("No matching public key found").Because(err)
	case errors.Is(err, errHeader):
		return refuse(errHeader.Error())
	case errors.Is(err, jwt.ErrTokenMalformed):
		return refuse("Not enough segments, or not a token").Because(err)
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return refuse("Signature verification failed").Because(err)
	case errors.Is(err, jwt.ErrTokenExpired):
		return apierr.Auth("Token Expired").Because(err)
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return refuse("The token is not yet valid (nbf)").Because(err)
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return refuse("Token is missing a required claim").Because(err)
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return refuse("Invalid audience").Because(err)
	}
	return refuse("the token is not valid").Because(err)
}

// Away is the answer while a provider, or who knows the users, can not be asked.
func Away(cause error) *apierr.Error {
	return apierr.Unavailable(apierr.TypeUnavailable, "Service Unavailable, tokens can not be verified at present. Please retry shortly.", time.Second).Because(cause)
}

// RouteDenied refuses a route that a token may not call. who is Admin or Team.
func RouteDenied(who, path string) *apierr.Error {
	return apierr.Forbidden("%s not allowed to access this route. Route=%.128s", who, path)
}

// UnknownUser refuses a token of a user whom nobody has made.
func UnknownUser(id string) *apierr.Error {
	return apierr.Auth("User doesn't exist in db. 'user_id'=" + id + ". Create user via `/user/new` call.")
}

// UnknownTeam refuses a token of a team that nobody has made.
func UnknownTeam(id string) *apierr.Error {
	return apierr.Auth("Team doesn't exist in db. Team=" + id + ". Create team via `/team/new` call.")
}

// ForeignTeam refuses the choice of a team that the token does not name.
func ForeignTeam(id string) *apierr.Error {
	return apierr.Forbidden("Team '%.128s' is not in your JWT token's teams.", id)
}

// Unmapped refuses a token that leads to no virtual key.
func Unmapped(claim, value string) *apierr.Error {
	return apierr.Forbidden("JWT Key Mapping: No registered mapping for %s='%s'. Access denied.", claim, value)
}
