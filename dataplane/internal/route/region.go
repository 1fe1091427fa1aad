package route

import (
	"encoding/json"
	"strings"

	"github.com/tianjillm/tianjillm/shared/contract"
)

// region is where a deployment says it runs: region_name, else the region of
// its vendor.
func region(rec *contract.Deployment) string {
	if rec.Region != "" {
		return rec.Region
	}
	for _, param := range []string{"aws_region_name", "vertex_location", "vertex_ai_location", "watsonx_region_name"} {
		var s string
		if raw, ok := rec.Params[param]; ok && json.Unmarshal(raw, &s) == nil && s != "" {
			return s
		}
	}
	return ""
}

// inRegion reports whether a deployment may serve callers that are bound to a
// region: the same one, or one within "eu" or "us". What has no region is not
// known to be there.
func inRegion(region, allowed string) bool {
	if region == "" {
		return false
	}
	if strings.EqualFold(region, allowed) {
		return true
	}
	r := strings.ToLower(region)
	switch strings.ToLower(allowed) {
	case "eu":
		return european(r)
	case "us":
		return strings.HasPrefix(r, "us-") || american(r)
	}
	return false
}

// european knows AWS's and Google's names (eu-west-1, europe-west4) and
// Azure's, which are countries. Switzerland, Norway and the United Kingdom are
// not in the union, and AWS's and Google's regions there are not meant.
func european(r string) bool {
	switch r {
	case "eu-west-2", "eu-central-2", "europe-west2", "europe-west6": // London, Zurich
		return false
	}
	for _, prefix := range []string{"eu-", "europe", "northeurope", "westeurope", "france", "germany", "sweden", "poland", "italy", "spain", "austria", "belgium", "denmark", "finland", "greece"} {
		if strings.HasPrefix(r, prefix) {
			return true
		}
	}
	return false
}

// american knows Azure's names.
func american(r string) bool {
	switch strings.TrimRight(r, "0123456789") {
	case "eastus", "westus", "centralus", "northcentralus", "southcentralus", "westcentralus":
		return true
	}
	return false
}
