package policy

// Rules are what the settings of an installation say about routes that need a
// key, whoever calls them. The zero value says nothing.
type Rules struct {
	// Allowed are the only routes that are served.
	Allowed Routes
	// AdminOnly are routes that only admins may call.
	AdminOnly Routes
}

// NewRules prepares general_settings.allowed_routes and admin_only_routes.
func NewRules(allowed, adminOnly []string) Rules {
	return Rules{Allowed: NewRoutes(allowed), AdminOnly: NewRoutes(adminOnly)}
}

// Check refuses a path that the settings close to everybody, or to all but
// admins.
func (r *Rules) Check(path string, admin bool) error {
	switch {
	case !r.Allowed.Allow(path):
		return notAllowed(path)
	case !r.AdminOnly.All() && r.AdminOnly.Allow(path) && !admin:
		return adminRoute(path)
	}
	return nil
}
