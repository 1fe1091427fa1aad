package invitation

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/policy"
	"github.com/tianjillm/tianjillm/shared/secret"
)

const (
	// onboardingLifetime is how long somebody has to think of a password.
	onboardingLifetime = 15 * time.Minute
	onboardingType     = "litellm_onboarding"
)

// signer makes the tokens of LiteLLM's web pages: JWTs with HS256, by the master
// key.
type signer struct {
	master secret.String
	header string
}

// onboardingClaims are those of who may claim one invitation.
type onboardingClaims struct {
	jwt.RegisteredClaims

	Type   string `json:"token_type"`
	Link   string `json:"invitation_link"`
	UserID string `json:"user_id"`
}

// pageClaims are what a web page knows of its user.
type pageClaims struct {
	jwt.RegisteredClaims

	UserID      string  `json:"user_id"`
	Key         string  `json:"key"`
	UserEmail   *string `json:"user_email"`
	UserRole    string  `json:"user_role"`
	LoginMethod string  `json:"login_method"`
	Premium     bool    `json:"premium_user"`
	Header      string  `json:"auth_header_name"`

	// These make the outer token of an invitation one to claim it with, too.
	Type string `json:"token_type,omitempty"`
	Link string `json:"invitation_link,omitempty"`
}

// onboarding is a token around the one that claims an invitation, where a page
// looks for a key.
func (s signer) onboarding(link *db.InvitationLink, u *db.UserTable, now time.Time) (string, error) {
	ends := now.Add(onboardingLifetime)
	inner, err := s.sign(&onboardingClaims{
		RegisteredClaims: jwt.RegisteredClaims{ExpiresAt: jwt.NewNumericDate(ends)}, Type: onboardingType, Link: link.ID, UserID: link.UserID,
	})
	if err != nil {
		return "", err
	}
	page := s.page(u, secret.New(inner), ends)
	page.Type, page.Link = onboardingType, link.ID
	return s.sign(page)
}

// session is a token around a key.
func (s signer) session(u *db.UserTable, key secret.String, ends time.Time) (string, error) {
	return s.sign(s.page(u, key, ends))
}

func (s signer) page(u *db.UserTable, key secret.String, ends time.Time) *pageClaims {
	role := policy.InternalUser
	if u.UserRole != nil {
		role = policy.RoleOf(*u.UserRole)
	}
	return &pageClaims{
		RegisteredClaims: jwt.RegisteredClaims{ExpiresAt: jwt.NewNumericDate(ends)}, UserID: u.UserID, Key: key.Reveal(), UserEmail: u.UserEmail,
		UserRole: string(role), LoginMethod: "username_password", Header: s.header,
	}
}

func (s signer) sign(claims jwt.Claims) (string, error) {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(s.master.Reveal()))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}

// onboarded reports whether a token is one to claim an invitation with.
func (s signer) onboarded(token, link, userID string) bool {
	var c onboardingClaims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return []byte(s.master.Reveal()), nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired())
	return err == nil && c.Type == onboardingType && c.Link == link && c.UserID == userID
}
