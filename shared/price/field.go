package price

import (
	"math"
	"strconv"
	"strings"
)

// Scales: a price for one unit is a price for a million by six more digits,
// and dollars are nano-dollars by nine.
const (
	perOne   = 15
	per1000  = 12
	asFactor = 9
)

// field is the meaning of a price field in LiteLLM's files.
type field struct {
	unit  Unit
	scale int
	above int32
	tier  Tier
}

// parseField reads names such as input_cost_per_token_above_200k_tokens_priority:
// what is priced, then from which prompt size on and in which tier.
func parseField(name string) (field, bool) {
	var f field
	for {
		if unit, scale, ok := unitOfField(name); ok {
			f.unit, f.scale = unit, scale
			return f, true
		}
		rest, ok := f.cutSuffix(name)
		if !ok {
			return f, false
		}
		name = rest
	}
}

func (f *field) cutSuffix(name string) (rest string, ok bool) {
	for _, t := range []struct {
		suffix string
		tier   Tier
	}{{"_priority", Priority}, {"_flex", Flex}, {"_batches", Batch}, {"_batch_requests", Batch}} {
		if rest, ok := strings.CutSuffix(name, t.suffix); ok && f.tier == Standard {
			f.tier = t.tier
			return rest, true
		}
	}
	rest, ok = strings.CutSuffix(name, "_tokens")
	i := strings.LastIndex(rest, "_above_")
	if !ok || i < 0 || f.above != 0 {
		return "", false
	}
	size := rest[i+len("_above_"):]
	thousand := 1
	if digits, ok := strings.CutSuffix(size, "k"); ok {
		size, thousand = digits, 1000
	}
	n, err := strconv.Atoi(size)
	if err != nil || n <= 0 || n > math.MaxInt32/1000 {
		return "", false
	}
	f.above = int32(n * thousand) //nolint:gosec // bounded above
	return rest[:i], true
}

// unitOfField knows the names without conditions.
//
//nolint:funlen // a table
func unitOfField(name string) (u Unit, scale int, ok bool) {
	switch name {
	case "input_cost_per_token":
		return Input, perOne, true
	case "output_cost_per_token":
		return Output, perOne, true
	case "output_cost_per_reasoning_token":
		return Reasoning, perOne, true
	case "cache_read_input_token_cost", "input_cost_per_token_cache_hit":
		return CacheRead, perOne, true
	case "cache_creation_input_token_cost":
		return CacheWrite, perOne, true
	case "cache_creation_input_token_cost_above_1hr":
		return CacheWrite1h, perOne, true
	case "input_cost_per_audio_token":
		return AudioInput, perOne, true
	case "output_cost_per_audio_token":
		return AudioOutput, perOne, true
	case "cache_read_input_audio_token_cost":
		return AudioCacheRead, perOne, true
	case "cache_creation_input_audio_token_cost":
		return AudioCacheWrite, perOne, true
	case "input_cost_per_image_token":
		return ImageInput, perOne, true
	case "output_cost_per_image_token":
		return ImageOutput, perOne, true
	case "cache_read_input_image_token_cost":
		return ImageCacheRead, perOne, true
	case "input_cost_per_video_token":
		return VideoInput, perOne, true
	case "output_cost_per_video_token":
		return VideoOutput, perOne, true
	case "citation_cost_per_token":
		return Citation, perOne, true
	case "input_cost_per_character":
		return InputCharacter, perOne, true
	case "output_cost_per_character":
		return OutputCharacter, perOne, true
	case "ocr_cost_per_page":
		return Page, perOne, true
	case "annotation_cost_per_page":
		return AnnotatedPage, perOne, true
	case "ocr_cost_per_credit":
		return PageCredit, perOne, true
	case "input_cost_per_query":
		return SearchQuery, perOne, true
	case "input_cost_per_request":
		return Request, perOne, true
	case "google_maps_grounding_cost_per_query":
		return MapsSearch, perOne, true
	case "code_interpreter_cost_per_session":
		return CodeSession, perOne, true
	case "computer_use_input_cost_per_1k_tokens":
		return ComputerInput, per1000, true
	case "computer_use_output_cost_per_1k_tokens":
		return ComputerOutput, per1000, true
	case "file_search_cost_per_1k_calls":
		return FileSearch, per1000, true
	case "file_search_cost_per_gb_per_day":
		return FileSearchGBDay, perOne, true
	case "vector_store_cost_per_gb_per_day":
		return VectorStoreGBDay, perOne, true
	case "regional_processing_uplift_multiplier_eu":
		return UpliftEU, asFactor, true
	case "regional_processing_uplift_multiplier_us":
		return UpliftUS, asFactor, true
	case "regional_endpoint_uplift_multiplier":
		return UpliftRegional, asFactor, true
	}
	u, ok = unitOfMedia(name)
	return u, perOne, ok
}

// unitOfMedia knows what is priced by the second, the image or the pixel.
func unitOfMedia(name string) (u Unit, ok bool) {
	if u, ok = unitOfImage(name); ok {
		return u, true
	}
	switch name {
	case "input_cost_per_second":
		return InputSecond, true
	case "output_cost_per_second":
		return OutputSecond, true
	case "input_cost_per_audio_per_second":
		return AudioInputSecond, true
	case "input_cost_per_video_per_second":
		return VideoInputSecond, true
	case "input_cost_per_video_per_second_above_8s_interval":
		return VideoInputSecondOver8, true
	case "input_cost_per_video_per_second_above_15s_interval":
		return VideoInputSecondOver15, true
	case "output_cost_per_video_per_second":
		return VideoOutputSecond, true
	case "output_cost_per_second_480p":
		return VideoOutputSecond480p, true
	case "output_cost_per_second_720p":
		return VideoOutputSecond720p, true
	case "output_cost_per_second_768p":
		return VideoOutputSecond768p, true
	case "output_cost_per_second_1080p":
		return VideoOutputSecond1080p, true
	case "output_cost_per_second_2k":
		return VideoOutputSecond2k, true
	case "output_cost_per_second_4k":
		return VideoOutputSecond4k, true
	default:
		return 0, false
	}
}

func unitOfImage(name string) (u Unit, ok bool) {
	switch name {
	case "input_cost_per_image":
		return InputImage, true
	case "output_cost_per_image":
		return OutputImage, true
	case "output_cost_per_image_premium_image":
		return OutputImagePremium, true
	case "output_cost_per_image_above_512_and_512_pixels":
		return OutputImageOver512, true
	case "output_cost_per_image_above_512_and_512_pixels_and_premium_image":
		return OutputImageOver512Premium, true
	case "output_cost_per_image_above_1024_and_1024_pixels":
		return OutputImageOver1024, true
	case "output_cost_per_image_above_1024_and_1024_pixels_and_premium_image":
		return OutputImageOver1024Premium, true
	case "output_cost_per_image_512":
		return OutputImage512, true
	case "output_cost_per_image_1024":
		return OutputImage1024, true
	case "output_cost_per_image_1536":
		return OutputImage1536, true
	case "input_cost_per_pixel":
		return InputPixel, true
	case "output_cost_per_pixel":
		return OutputPixel, true
	default:
		return 0, false
	}
}

// otherPrices are fields that carry prices in a form of their own.
func otherPrices(name string) bool {
	switch name {
	case "tiered_pricing", "search_context_cost_per_query", "provider_specific_entry", "off_peak_pricing":
		return true
	default:
		return false
	}
}

// ignoredCost are fields that look like prices and are none in dollars: a
// count of tokens, Databricks' own unit beside the price in dollars, and the
// usage counters of Bedrock's guardrails.
func ignoredCost(name string) bool {
	switch name {
	case "input_dbu_cost_per_token", "output_dbu_cost_per_token", "guardrail_cost_per_unit", "tool_use_system_prompt_tokens":
		return true
	default:
		return false
	}
}

// IsField reports whether a name is a price field of LiteLLM's files and of
// its litellm_params.
func IsField(name string) bool {
	if otherPrices(name) {
		return true
	}
	_, ok := parseField(name)
	return ok
}
