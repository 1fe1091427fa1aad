package conversation

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/tianjillm/tianjillm/shared/seal"
)

// purpose binds sealed ids, so that nothing else that is sealed with the same
// secret is one.
const purpose = "response"

// Kept is a response that a vendor keeps, and for whom.
type Kept struct {
	Owner

	Deployment string `json:"d"`
	// VendorID is the vendor's own id of it.
	VendorID string `json:"r"`
}

// IDs writes the ids that clients see of such responses. They are sealed: who
// may use one stands inside, and nobody can make one up. It is safe for
// concurrent use.
type IDs struct{ box *seal.Box }

// NewIDs returns the ids of an installation. All replicas must have the same
// secret, which must not be empty.
func NewIDs(secret string) (*IDs, error) {
	box, err := seal.New(secret)
	if err != nil {
		return nil, err
	}
	return &IDs{box}, nil
}

// Seal returns an id. Each call returns another one for the same response.
func (i *IDs) Seal(k *Kept) string {
	plain, err := json.Marshal(k)
	if err != nil { // texts: it can not fail
		return ""
	}
	return idPrefix + base64.RawURLEncoding.EncodeToString(i.box.Seal(string(plain), purpose))
}

// Open undoes Seal. It is not ok when the id is none of ours.
func (i *IDs) Open(id string) (k Kept, ok bool) {
	encoded, ok := strings.CutPrefix(id, idPrefix)
	if !ok {
		return k, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return k, false
	}
	plain, err := i.box.Open(sealed, purpose)
	if err != nil || json.Unmarshal([]byte(plain), &k) != nil {
		return k, false
	}
	return k, k.VendorID != ""
}
