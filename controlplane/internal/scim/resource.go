package scim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
)

const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
	listSchema  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
)

// Meta is what every resource says of itself.
type Meta struct {
	ResourceType string    `json:"resourceType"` //nolint:tagliatelle // SCIM's name
	Created      time.Time `json:"created"`
	LastModified time.Time `json:"lastModified"` //nolint:tagliatelle // SCIM's name
	Location     string    `json:"location"`
	Version      string    `json:"version"`
}

// Name is the name of a person.
type Name struct {
	Formatted  string `json:"formatted,omitempty"`
	GivenName  string `json:"givenName,omitempty"`  //nolint:tagliatelle // SCIM's name
	FamilyName string `json:"familyName,omitempty"` //nolint:tagliatelle // SCIM's name
}

// Email is an address.
type Email struct {
	Value   string `json:"value"`
	Type    string `json:"type"`
	Primary bool   `json:"primary"`
}

// Reference leads to a user or a group.
type Reference struct {
	Value   string `json:"value"`
	Display string `json:"display,omitempty"`
	Type    string `json:"type,omitempty"`
	Ref     string `json:"$ref,omitempty"`
}

// User is a user as SCIM shows one.
type User struct {
	Schemas     []string    `json:"schemas"`
	ID          string      `json:"id"`
	ExternalID  string      `json:"externalId,omitempty"` //nolint:tagliatelle // SCIM's name
	UserName    string      `json:"userName"`             //nolint:tagliatelle // SCIM's name
	DisplayName string      `json:"displayName"`          //nolint:tagliatelle // SCIM's name
	Name        *Name       `json:"name,omitempty"`
	Emails      []Email     `json:"emails"`
	Active      bool        `json:"active"`
	Groups      []Reference `json:"groups"`
	Meta        Meta        `json:"meta"`
}

// Group is a team as SCIM shows one.
type Group struct {
	Schemas     []string    `json:"schemas"`
	ID          string      `json:"id"`
	ExternalID  string      `json:"externalId,omitempty"` //nolint:tagliatelle // SCIM's name
	DisplayName string      `json:"displayName"`          //nolint:tagliatelle // SCIM's name
	Members     []Reference `json:"members"`
	Meta        Meta        `json:"meta"`
}

// List is a page of resources.
type List[Resource any] struct {
	Schemas   []string   `json:"schemas"`
	Total     int64      `json:"totalResults"` //nolint:tagliatelle // SCIM's name
	Start     int32      `json:"startIndex"`   //nolint:tagliatelle // SCIM's name
	PerPage   int        `json:"itemsPerPage"` //nolint:tagliatelle // SCIM's name
	Resources []Resource `json:"Resources"`    //nolint:tagliatelle // SCIM's name
}

func page[Resource any](all []Resource, total int64, skip int32) List[Resource] {
	return List[Resource]{Schemas: []string{listSchema}, Total: total, Start: skip + 1, PerPage: len(all), Resources: all}
}

// showUser shows a user without groups.
func showUser(u *db.UserTable, base string) User {
	s := stateOf(u)
	out := User{
		Schemas: []string{userSchema}, ID: u.UserID, ExternalID: s.ExternalID, UserName: s.UserName, DisplayName: s.displayName, Emails: []Email{},
		Active: s.active, Groups: []Reference{},
	}
	if out.DisplayName == "" {
		out.DisplayName = s.UserName
	}
	if full := strings.TrimSpace(s.GivenName + " " + s.FamilyName); full != "" {
		out.Name = &Name{Formatted: full, GivenName: s.GivenName, FamilyName: s.FamilyName}
	}
	if s.email != "" {
		out.Emails = append(out.Emails, Email{Value: s.email, Type: emailType, Primary: true})
	}
	out.Meta = Meta{
		ResourceType: "User", Created: u.CreatedAt.UTC(), LastModified: u.UpdatedAt.UTC(), Location: base + "/Users/" + url.PathEscape(u.UserID),
		Version: version(out.ExternalID, out.UserName, out.DisplayName, out.Name, out.Emails, out.Active),
	}
	return out
}

// showGroup shows a team whose members are known by their ids.
func showGroup(t *db.TeamTable, members []string, base string) Group {
	out := Group{
		Schemas: []string{groupSchema}, ID: t.TeamID, ExternalID: readNames(metadata(t.Metadata)).ExternalID, DisplayName: t.TeamID, Members: []Reference{},
	}
	if t.TeamAlias != nil && *t.TeamAlias != "" {
		out.DisplayName = *t.TeamAlias
	}
	out.Meta = Meta{
		ResourceType: "Group", Created: t.CreatedAt.UTC(), LastModified: t.UpdatedAt.UTC(), Location: base + "/Groups/" + url.PathEscape(t.TeamID),
		Version: version(out.ExternalID, out.DisplayName, members),
	}
	return out
}

// version is the same as long as nothing that SCIM shows has changed, whatever
// was spent meanwhile.
func version(of ...any) string {
	b, err := json.Marshal(of)
	if err != nil { // all of it was decoded from JSON
		return ""
	}
	sum := sha256.Sum256(b)
	return `W/"` + hex.EncodeToString(sum[:8]) + `"`
}

// Matches reports whether a list of versions, as in If-Match, has one.
func Matches(header, version string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(version, "W/") {
			return true
		}
	}
	return false
}
