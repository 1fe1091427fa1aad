package scim

// What clients ask to find out what there is:
// https://www.rfc-editor.org/rfc/rfc7643#section-5 to section 7.

type supported struct {
	Supported bool `json:"supported"`
}

// Provider is the configuration of the service.
type Provider struct {
	Schemas        []string     `json:"schemas"`
	Documentation  string       `json:"documentationUri"` //nolint:tagliatelle // SCIM's name
	Patch          supported    `json:"patch"`
	Bulk           bulk         `json:"bulk"`
	Filter         filtering    `json:"filter"`
	ChangePassword supported    `json:"changePassword"` //nolint:tagliatelle // SCIM's name
	Sort           supported    `json:"sort"`
	ETag           supported    `json:"etag"`
	Auth           []authScheme `json:"authenticationSchemes"` //nolint:tagliatelle // SCIM's name
	Meta           aboutMeta    `json:"meta"`
}

type bulk struct {
	supported

	MaxOperations  int `json:"maxOperations"`  //nolint:tagliatelle // SCIM's name
	MaxPayloadSize int `json:"maxPayloadSize"` //nolint:tagliatelle // SCIM's name
}

type filtering struct {
	supported

	MaxResults int `json:"maxResults"` //nolint:tagliatelle // SCIM's name
}

type authScheme struct {
	Type        string `json:"type"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Primary     bool   `json:"primary"`
}

type aboutMeta struct {
	ResourceType string `json:"resourceType"` //nolint:tagliatelle // SCIM's name
	Location     string `json:"location"`
}

// ServiceProvider says what of SCIM is here.
func ServiceProvider(base string) Provider {
	return Provider{
		Schemas: []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"}, Documentation: "https://docs.litellm.ai/docs/tutorials/scim_litellm",
		Patch: supported{true}, Filter: filtering{supported{true}, MostListed}, ETag: supported{true},
		Auth: []authScheme{{"oauthbearertoken", "Bearer token", "A virtual key whose allowed_routes are [\"/scim/*\"], or that of an admin", true}},
		Meta: aboutMeta{"ServiceProviderConfig", base + "/ServiceProviderConfig"},
	}
}

// ResourceType is a kind of resource.
type ResourceType struct {
	Schemas     []string  `json:"schemas"`
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Endpoint    string    `json:"endpoint"`
	Description string    `json:"description"`
	Schema      string    `json:"schema"`
	Meta        aboutMeta `json:"meta"`
}

// ResourceTypes returns the kinds of resources.
func ResourceTypes(base string) List[ResourceType] {
	kind := func(name, endpoint, description, schema string) ResourceType {
		return ResourceType{
			[]string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"},
			name, name, endpoint, description, schema,
			aboutMeta{"ResourceType", base + "/ResourceTypes/" + name},
		}
	}
	all := []ResourceType{kind("User", "/Users", "Internal user", userSchema), kind("Group", "/Groups", "Team", groupSchema)}
	return page(all, int64(len(all)), 0)
}

// ResourceTypeOf returns the kind of a name.
func ResourceTypeOf(name, base string) (ResourceType, error) {
	for _, one := range ResourceTypes(base).Resources {
		if one.ID == name {
			return one, nil
		}
	}
	return ResourceType{}, notFound(name)
}

// Schema describes a kind of resource.
type Schema struct {
	Schemas     []string    `json:"schemas"`
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Attributes  []attribute `json:"attributes"`
	Meta        aboutMeta   `json:"meta"`
}

type attribute struct {
	Name        string      `json:"name"`
	Type        string      `json:"type"`
	Sub         []attribute `json:"subAttributes,omitempty"` //nolint:tagliatelle // SCIM's name
	Multi       bool        `json:"multiValued"`             //nolint:tagliatelle // SCIM's name
	Description string      `json:"description"`
	Required    bool        `json:"required"`
	CaseExact   bool        `json:"caseExact"` //nolint:tagliatelle // SCIM's name
	Mutability  string      `json:"mutability"`
	Returned    string      `json:"returned"`
	Uniqueness  string      `json:"uniqueness"`
}

func plain(name, kind, description string) attribute {
	return attribute{Name: name, Type: kind, Description: description, Mutability: "readWrite", Returned: "default", Uniqueness: "none"}
}

func (a attribute) required() attribute { a.Required = true; return a }
func (a attribute) unique() attribute   { a.Uniqueness = "server"; return a }
func (a attribute) exact() attribute    { a.CaseExact = true; return a }
func (a attribute) readOnly() attribute { a.Mutability = "readOnly"; return a }

func (a attribute) many(sub ...attribute) attribute {
	a.Multi, a.Sub = true, sub
	return a
}

func userAttributes() []attribute {
	name := plain("name", "complex", "The parts of the name")
	name.Sub = []attribute{
		plain("formatted", "string", "The whole name").readOnly(), plain("givenName", "string", "The given name"),
		plain("familyName", "string", "The family name"),
	}
	return []attribute{
		plain("userName", "string", "What the identity provider calls the user").required().unique(),
		plain("externalId", "string", "The id of the user at the identity provider").exact(),
		plain("displayName", "string", "user_alias"),
		name,
		plain("active", "boolean", "Whether keys of the user work"),
		plain("emails", "complex", "One address: the primary one, user_email").many(
			plain("value", "string", "The address"), plain("type", "string", "work").readOnly(), plain("primary", "boolean", "true").readOnly()),
		plain("groups", "complex", "The teams that the user is in").readOnly().many(
			plain("value", "string", "team_id").readOnly(), plain("display", "string", "team_alias").readOnly(), plain("$ref", "reference", "Where the team is").readOnly()),
	}
}

func groupAttributes() []attribute {
	return []attribute{
		plain("displayName", "string", "team_alias").required(),
		plain("externalId", "string", "The id of the group at the identity provider").exact(),
		plain("members", "complex", "Who is in the team").many(
			plain("value", "string", "user_id").exact(), plain("display", "string", "How the user is shown").readOnly(),
			plain("type", "string", "User").readOnly(), plain("$ref", "reference", "Where the user is").readOnly()),
	}
}

// Schemas describes the kinds of resources.
func Schemas(base string) List[Schema] {
	about := func(id, name, description string, attributes []attribute) Schema {
		return Schema{
			[]string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, id, name, description, attributes, aboutMeta{"Schema", base + "/Schemas/" + id},
		}
	}
	all := []Schema{about(userSchema, "User", "Internal user", userAttributes()), about(groupSchema, "Group", "Team", groupAttributes())}
	return page(all, int64(len(all)), 0)
}

// SchemaOf returns the schema of an id.
func SchemaOf(id, base string) (Schema, error) {
	for _, one := range Schemas(base).Resources {
		if one.ID == id {
			return one, nil
		}
	}
	return Schema{}, notFound(id)
}
