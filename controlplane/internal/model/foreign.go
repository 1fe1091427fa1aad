package model

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/tianjillm/tianjillm/controlplane/internal/store/db"
	"github.com/tianjillm/tianjillm/shared/apierr"
)

// Foreign returns the row of a deployment that another gateway stored, checked
// and sealed as New does. A credential that it names is not looked for: it may
// stand in the config file of a control plane. Sealed parameters of before, which
// may be nil, stay as they are when they hold the same.
func (s *Service) Foreign(id, name string, params, info map[string]json.RawMessage, before []byte) (db.ProxyModelTable, error) {
	about := maps.Clone(info)
	if about == nil {
		about = map[string]json.RawMessage{}
	}
	about["id"], about["db_model"] = quoted(id), json.RawMessage("true")
	row, m, err := s.row(id, name, params, about)
	if err != nil {
		return row, err
	}
	if m.Params.CredentialName == "" {
		if _, err := s.render(m, true, nil); err != nil {
			return row, apierr.BadRequest("%v", err)
		}
	}
	if before == nil {
		return row, nil
	}
	had, err := s.box.Open(before, sealPurpose(id))
	if err != nil { // of another salt key
		return row, nil //nolint:nilerr // it is replaced
	}
	same, err := json.Marshal(params)
	if err != nil {
		return row, fmt.Errorf("encode parameters: %w", err)
	}
	if had == string(same) {
		row.SealedParams = before
	}
	return row, nil
}

// Opens reports whether a stored deployment was sealed with this installation's
// salt key.
func (s *Service) Opens(row db.ProxyModelTable) bool {
	_, err := s.box.Open(row.SealedParams, sealPurpose(row.ModelID))
	return err == nil
}
