package model

import "github.com/tianjillm/tianjillm/shared/catalog"

// ProviderSettings are the parameters by which a deployment reaches a provider.
type ProviderSettings struct {
	Name   string          `json:"name"`
	Fields []ProviderField `json:"fields"`
}

// ProviderField is one of them.
type ProviderField struct {
	Name        string  `json:"field_name"`
	Type        string  `json:"field_type"`
	Description string  `json:"field_description"`
	Value       *string `json:"field_value"`
}

// ProviderSettings returns what deployments of each provider are told.
func (s *Service) ProviderSettings() []ProviderSettings {
	var all []ProviderSettings
	for _, v := range catalog.Table() {
		one := ProviderSettings{Name: v.Slug, Fields: []ProviderField{
			{Name: "api_key", Type: "string", Description: "Key of the account"},
			{Name: "api_base", Type: "string", Description: "Address of the API"},
		}}
		if base := v.BaseURL; base != "" {
			one.Fields[1].Value = &base
		}
		all = append(all, one)
	}
	return all
}
