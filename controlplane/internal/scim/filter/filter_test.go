package filter_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tianjillm/tianjillm/controlplane/internal/scim/filter"
)

func TestParse(t *testing.T) {
	t.Parallel()
	text := func(attr string, op filter.Op, value string) filter.Condition {
		return filter.Condition{Attr: attr, Op: op, Kind: filter.Text, Value: value}
	}
	for in, want := range map[string]filter.Filter{
		`userName eq "bjensen"`: {text("username", filter.Equal, "bjensen")},
		`USERNAME EQ "a \"b\""`: {text("username", filter.Equal, `a "b"`)},
		`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"`:  {text("username", filter.StartsWith, "J")},
		`name.familyName co "O'Malley"`:                               {text("name.familyname", filter.Contains, "O'Malley")},
		`title pr and active eq True`:                                 {{Attr: "title", Op: filter.Present}, {Attr: "active", Op: filter.Equal, Kind: filter.Bool, Value: "true"}},
		`(userName eq "a") and ((id eq "b"))`:                         {text("username", filter.Equal, "a"), text("id", filter.Equal, "b")},
		`emails[type eq "work" and value ew "@x.org"]`:                {text("emails.type", filter.Equal, "work"), text("emails.value", filter.EndsWith, "@x.org")},
		`emails[type eq "work"].value eq "a@x.org"`:                   {text("emails.type", filter.Equal, "work"), text("emails.value", filter.Equal, "a@x.org")},
		`members[value eq "2819c223-7f76-453a-919d-413861904646"]`:    {text("members.value", filter.Equal, "2819c223-7f76-453a-919d-413861904646")},
		`meta.count eq 7 and externalId eq null`:                      {{Attr: "meta.count", Op: filter.Equal, Kind: filter.Number, Value: "7"}, {Attr: "externalid", Op: filter.Equal, Kind: filter.Null, Value: "null"}},
		` displayName eq "Entwicklung Süd" `:                          {text("displayname", filter.Equal, "Entwicklung Süd")},
		`userName eq "und dann: and or not (x)" and id eq "]\\u0041"`: {text("username", filter.Equal, "und dann: and or not (x)"), text("id", filter.Equal, `]\u0041`)},
	} {
		got, err := filter.Parse(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
}

func TestParse_refuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		``:                               "name of an attribute",
		`userName`:                       "operator",
		`userName eq`:                    "a value",
		`userName eq bjensen`:            "a value",
		`userName eq "a`:                 "end of a text",
		`userName eq "a\q"`:              "can not be read",
		`userName eq "a" or id eq "b"`:   `"or" is not supported`,
		`not (userName eq "a")`:          `"not" is not supported`,
		`userName ne "a"`:                "ne is not supported",
		`userName co true`:               "a text for co",
		`userName eq "a" id eq "b"`:      "expected and",
		`(userName eq "a"`:               "expected )",
		`emails[type eq "work"`:          "expected ]",
		`userName eq "a")`:               "nothing more",
		`a..b eq "c"`:                    "name of an attribute",
		strings.Repeat("(", 9) + "a pr":  "more than 8 brackets",
		strings.Repeat("a pr and ", 17):  "more than 16 comparisons",
		strings.Repeat("a", 4097):        "longer than 4096",
		"userName eq \"\xff\"":           "not UTF-8",
		`userName eq "a" and`:            "name of an attribute",
		`emails[type eq "work"]. eq "x"`: "name of an attribute",
	} {
		_, err := filter.Parse(in)
		require.ErrorIs(t, err, filter.ErrSyntax, in)
		require.ErrorContains(t, err, want, in)
	}
}

func TestParsePath(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]filter.Path{
		``:                {},
		`members`:         {Attr: "members"},
		`name.familyName`: {Attr: "name", Sub: "familyname"},
		`urn:ietf:params:scim:schemas:core:2.0:User:name.givenName`: {Attr: "name", Sub: "givenname"},
		`members[value eq "x"]`: {Attr: "members", Of: filter.Filter{{Attr: "value", Op: filter.Equal, Kind: filter.Text, Value: "x"}}},
		`emails[type eq "work" and primary eq true].value`: {Attr: "emails", Sub: "value", Of: filter.Filter{
			{Attr: "type", Op: filter.Equal, Kind: filter.Text, Value: "work"}, {Attr: "primary", Op: filter.Equal, Kind: filter.Bool, Value: "true"},
		}},
	} {
		got, err := filter.ParsePath(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, in := range []string{`[value eq "x"]`, `members[`, `members[value]`, `members[value eq "x"]x`, `a.b.c`, `members value`, `members[value eq "x"].a.b`, `.a`} {
		_, err := filter.ParsePath(in)
		require.ErrorIs(t, err, filter.ErrSyntax, in)
	}
}

// What is read is bounded, and names no attribute that could not be there.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`userName eq "bjensen"`, `emails[type eq "work"].value co "@x" and active eq true`, `members[value eq "x"]`,
		`((a pr) and (b sw "\u0041"))`, `urn:ietf:params:scim:schemas:core:2.0:User:userName pr`, `a eq -1.5e3`, `a eq "`, `[(`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := filter.Parse(text)
		if err != nil {
			require.ErrorIs(t, err, filter.ErrSyntax)
		} else {
			require.NotEmpty(t, all)
			require.LessOrEqual(t, len(all), filter.MaxConditions)
		}
		for _, c := range all {
			require.NotEmpty(t, c.Attr)
			require.Equal(t, strings.ToLower(c.Attr), c.Attr)
			require.NotContains(t, c.Attr, "..")
		}
		if path, err := filter.ParsePath(text); err != nil {
			require.ErrorIs(t, err, filter.ErrSyntax)
		} else {
			require.NotContains(t, path.Sub, ".")
		}
	})
}
