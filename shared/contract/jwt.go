package contract

// JWTSettings let both planes take tokens of identity providers as credentials
// of API calls. Names of claims are paths: "a.b" is b in the object a, "a\.b" one
// claim with a dot in its name. An empty one is not read.
type JWTSettings struct {
	// URLs are of key sets (JWKS), or of discovery documents that name one.
	URLs []string `json:"urls"`
	// Audiences and Issuers are what a token must be for and from: one of each.
	// Without audiences every one is accepted; likewise for issuers.
	Audiences []string `json:"audiences,omitempty"`
	Issuers   []string `json:"issuers,omitempty"`
	// KeySeconds is how long a key set, and a token that was verified by it, is
	// used without asking again.
	KeySeconds int64 `json:"key_seconds,omitempty"`

	AdminScope  string   `json:"admin_scope,omitempty"`
	AdminRoutes []string `json:"admin_routes,omitempty"`
	TeamRoutes  []string `json:"team_routes,omitempty"`

	UserClaim      string `json:"user_claim,omitempty"`
	EmailClaim     string `json:"email_claim,omitempty"`
	TeamClaim      string `json:"team_claim,omitempty"`
	TeamsClaim     string `json:"teams_claim,omitempty"`
	TeamAliasClaim string `json:"team_alias_claim,omitempty"`
	OrgClaim       string `json:"org_claim,omitempty"`
	EndUserClaim   string `json:"end_user_claim,omitempty"`
	// DefaultTeam is the team of tokens that name none.
	DefaultTeam string `json:"default_team,omitempty"`
	// NeedUser and NeedTeam say that the claim was configured: a token without it
	// is refused, and so is one that names somebody unknown.
	NeedUser bool `json:"need_user,omitempty"`
	NeedTeam bool `json:"need_team,omitempty"`
	// EmailDomain is the only one whose addresses are let in.
	EmailDomain string `json:"email_domain,omitempty"`

	// UserRoles are the values of the claim with which users are let in.
	UserRolesClaim string   `json:"user_roles_claim,omitempty"`
	UserRoles      []string `json:"user_roles,omitempty"`
	// Roles say what a value of the claim makes of the token. Whom it is for then
	// stands in ObjectClaim.
	RolesClaim  string    `json:"roles_claim,omitempty"`
	ObjectClaim string    `json:"object_claim,omitempty"`
	Roles       []JWTRole `json:"roles,omitempty"`
	// UserRoleMap gives users a role by a value of RolesClaim.
	UserRoleMap []JWTRole `json:"user_role_map,omitempty"`
	// Scopes say what a scope opens; EnforceScopes refuses everything else.
	Scopes        []JWTScope `json:"scopes,omitempty"`
	EnforceScopes bool       `json:"enforce_scopes,omitempty"`
	// EnforceRoles refuses tokens that are of no admin, team or user.
	EnforceRoles bool `json:"enforce_roles,omitempty"`
	// EnforceTeams refuses tokens without a team.
	EnforceTeams bool `json:"enforce_teams,omitempty"`

	// UpsertUsers and UpsertTeams make those who are not known.
	UpsertUsers bool `json:"upsert_users,omitempty"`
	UpsertTeams bool `json:"upsert_teams,omitempty"`
	// Sync brings the user's role and teams to what each token says.
	Sync bool `json:"sync,omitempty"`

	// KeyClaim leads to a virtual key by a JWTMapping. RejectUnmapped refuses
	// tokens that lead to none.
	KeyClaim       string `json:"key_claim,omitempty"`
	RejectUnmapped bool   `json:"reject_unmapped,omitempty"`
}

// JWTRole is what a value of a claim stands for.
type JWTRole struct {
	Claimed string `json:"claimed"`
	Role    string `json:"role"`
}

// JWTScope is what a scope opens; nothing named is everything.
type JWTScope struct {
	Scope  string   `json:"scope"`
	Models []string `json:"models,omitempty"`
	Routes []string `json:"routes,omitempty"`
}

// JWTMapping leads from a value of a claim to a virtual key.
type JWTMapping struct {
	Head

	// KeyHash is "" where the key exists no more.
	KeyHash string `json:"key_hash,omitempty"`
	// Inactive says that tokens with that value are refused.
	Inactive bool `json:"inactive,omitempty"`
}

// PrefixJWTMapping starts the keys of mappings in the principals bucket.
const PrefixJWTMapping = "jwt."

// JWTMappingID names a mapping by its claim and the value of it.
func JWTMappingID(claim, value string) string { return Token(claim) + "." + Token(value) }

// EnrolSubject is where a data plane asks control planes to make whom a token
// names: the request is the token, the answer an Enrolment.
func (n Names) EnrolSubject() string { return n.prefix + ".enrol" }

// EnrolQueue is the queue in which control planes share such requests.
func (n Names) EnrolQueue() string { return "controlplane" }

// Enrolment is whom a token is for, once they have been made.
type Enrolment struct {
	Head

	UserID string   `json:"user_id,omitempty"`
	Teams  []string `json:"teams,omitempty"`
	// Status and Message refuse the token instead.
	Status  int    `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
}
